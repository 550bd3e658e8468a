import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0003_host_job_seen")]
    operations = [
        migrations.AddField(
            model_name="operation",
            name="notes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                blank=True,
                default=list,
                help_text="What whoever asked for it should know of its plan.",
                size=None,
            ),
        ),
    ]
