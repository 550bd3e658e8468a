from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clusters", "0007_backup_stores")]
    operations = [
        migrations.AddField(
            model_name="sshcredential",
            name="rotated",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="Put in place by a rotation, so a configuration file may be older.",
            ),
        ),
    ]
