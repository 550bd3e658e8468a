import django.db.models.deletion
from django.db import migrations, models

import clusters.secrets


class Migration(migrations.Migration):
    dependencies = [("tasks", "0004_operation_notes")]
    operations = [
        migrations.CreateModel(
            name="OperationSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=32)),
                ("value", clusters.secrets.EncryptedTextField(editable=False)),
                (
                    "operation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="tasks.operation"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operation", "name"), name="one_secret_of_a_name_per_operation"
                    )
                ],
            },
        ),
    ]
