from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_audit_append_only")]
    operations = [
        migrations.AddField(
            model_name="hostjob",
            name="seen",
            field=models.BigIntegerField(
                default=0, help_text="More than stored while a line is cut.", verbose_name="bytes of log seen"
            ),
        ),
    ]
