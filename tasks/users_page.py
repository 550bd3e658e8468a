"""The users of the admin site: who they are and which role they have.

Who may make users is not thereby anyone's superior: nobody gives groups that may more than he himself, or changes users
who may more, whose password he could set. Only a superuser makes superusers and gives rights beside a group's.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

OF_SUPERUSERS = ("is_superuser", "user_permissions")

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserPage(UserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "roles", "email", "is_active", "is_staff", "is_superuser", "last_login")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @display(description=_("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(map(str, super().get_readonly_fields(request, obj)))
        return fields if _is_superuser(request) else (*fields, *OF_SUPERUSERS)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **more: Any) -> Any:
        if db_field.name == "groups" and not _is_superuser(request):
            above = Permission.objects.exclude(pk__in=_rights(request.user))
            more["queryset"] = Group.objects.exclude(permissions__in=above)
        return super().formfield_for_manytomany(db_field, request, **more)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Also for the action that deletes many, which asks for no permission of each."""
        kept = [user for user in objs if not _may_touch(request, user)]
        to_delete, count, lacking, protected = super().get_deleted_objects(objs, request)
        return to_delete, count, lacking, [*protected, *map(str, kept)]


@admin.register(Group)
class GroupPage(GroupAdmin, ModelAdmin):
    pass


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    if _is_superuser(request) or user is None:
        return True
    return not user.is_superuser and _rights(user) <= _rights(request.user)


def _rights(user: Any) -> set[int]:
    """All that `user` may, also while switched off."""
    found = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    return set(found.values_list("pk", flat=True))
