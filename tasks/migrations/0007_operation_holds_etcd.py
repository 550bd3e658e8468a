from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0006_webhooks")]
    operations = [
        migrations.AddField(
            model_name="operation",
            name="holds_etcd",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="It reads or replaces all of etcd, or stops members.",
                verbose_name="holds etcd",
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("holds_etcd", True), ("state__in", ("queued", "running", "cancelling"))),
                fields=("cluster",),
                name="one_operation_holds_etcd_of_a_cluster",
            ),
        ),
    ]
