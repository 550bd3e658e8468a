import django.db.models.deletion
import clusters.secrets
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clusters", "0010_password_rotated")]
    operations = [
        migrations.AddField(
            model_name="accesskey",
            name="scope",
            field=models.CharField(
                choices=[("read", "Read"), ("operate", "Operate"), ("admin", "Admin")],
                default="admin",
                help_text="read: look. operate: register clusters, start operations. admin: everything, other keys too.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="accesskey",
            name="successor",
            field=models.ForeignKey(
                editable=False,
                help_text="By a rotation.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="clusters.accesskey",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesskey",
            constraint=models.CheckConstraint(
                condition=models.Q(("scope__in", ["read", "operate", "admin"])), name="access_key_scope_known"
            ),
        ),
        migrations.AddField(
            model_name="idempotentrequest",
            name="sealed",
            field=clusters.secrets.EncryptedTextField(
                blank=True, default="", help_text="The body instead, where it holds a secret."
            ),
        ),
    ]
