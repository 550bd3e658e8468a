import django.db.models.deletion
from django.db import migrations, models

# A name was unique for an access key; of two that are alike for a customer, the later one gets its id's beginning.
FILL = """
UPDATE clusters_cluster SET customer_id = holder.customer_id
FROM clusters_accesskey AS holder WHERE holder.id = clusters_cluster.access_key_id;
UPDATE clusters_cluster SET name = left(clusters_cluster.name, 54) || '-' || left(clusters_cluster.id::text, 8)
FROM (
    SELECT id, row_number() OVER (PARTITION BY customer_id, name ORDER BY created_at, id) AS place
    FROM clusters_cluster WHERE state <> 'removed'
) AS alike WHERE alike.id = clusters_cluster.id AND alike.place > 1;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""
KEEP = """
CREATE FUNCTION clusters_cluster_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT customer_id INTO NEW.customer_id FROM clusters_accesskey WHERE id = NEW.access_key_id;
    RETURN NEW;
END $$;
CREATE TRIGGER clusters_cluster_customer BEFORE INSERT OR UPDATE OF access_key_id, customer_id ON clusters_cluster
    FOR EACH ROW EXECUTE FUNCTION clusters_cluster_customer();
CREATE FUNCTION clusters_access_key_keeps_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an access key stays with its customer' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER clusters_access_key_keeps_customer BEFORE UPDATE OF customer_id ON clusters_accesskey
    FOR EACH ROW WHEN (OLD.customer_id IS DISTINCT FROM NEW.customer_id)
    EXECUTE FUNCTION clusters_access_key_keeps_customer();
"""
LEAVE = """
DROP TRIGGER clusters_access_key_keeps_customer ON clusters_accesskey;
DROP FUNCTION clusters_access_key_keeps_customer();
DROP TRIGGER clusters_cluster_customer ON clusters_cluster;
DROP FUNCTION clusters_cluster_customer();
"""


def customer(null):
    return models.ForeignKey(
        editable=False,
        null=null,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="clusters",
        to="clusters.customer",
    )


class Migration(migrations.Migration):
    dependencies = [("clusters", "0011_access_key_scopes")]
    operations = [
        migrations.AddField("cluster", "customer", customer(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField("cluster", "customer", customer(null=False)),
        migrations.RunSQL(KEEP, LEAVE),
        migrations.RemoveConstraint("cluster", "one_cluster_of_a_name_per_access_key"),
        migrations.AddConstraint(
            model_name="cluster",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "removed"), _negated=True),
                fields=("customer", "name"),
                name="one_cluster_of_a_name_per_customer",
                violation_error_message="You have a cluster of this name already; choose another name.",
            ),
        ),
        migrations.RemoveIndex("cluster", "clusters_cl_access__c60fb6_idx"),
        migrations.AddIndex(
            "cluster",
            models.Index(fields=["customer", "-created_at", "id"], name="clusters_cl_custome_91c523_idx"),
        ),
        migrations.AlterField(
            "accesskey",
            "max_clusters",
            models.PositiveIntegerField(default=20, verbose_name="clusters of the customer"),
        ),
        migrations.AlterField(
            "accesskey",
            "max_operations",
            models.PositiveIntegerField(default=10, verbose_name="operations at once of the customer"),
        ),
    ]
