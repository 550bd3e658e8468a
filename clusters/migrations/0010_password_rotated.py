from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clusters", "0009_imported_clusters")]
    operations = [
        migrations.AddField(
            model_name="sshcredential",
            name="password_rotated",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="Its password was put in place by a rotation, so a configuration file may be older.",
            ),
        ),
    ]
