import clusters.secrets
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('clusters', '0004_backups'),
    ]

    operations = [
        migrations.AddField(
            model_name='cluster',
            name='ceph_key',
            field=clusters.secrets.EncryptedTextField(blank=True, default='', editable=False, verbose_name='key of the external Ceph'),
        ),
    ]
