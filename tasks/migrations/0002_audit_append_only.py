from django.db import migrations

REFUSE = """
CREATE FUNCTION tasks_audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'tasks_auditevent is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER tasks_audit_append_only BEFORE UPDATE OR DELETE ON tasks_auditevent
    FOR EACH ROW EXECUTE FUNCTION tasks_audit_refuse_change();
"""
ALLOW = """
DROP TRIGGER tasks_audit_append_only ON tasks_auditevent;
DROP FUNCTION tasks_audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
