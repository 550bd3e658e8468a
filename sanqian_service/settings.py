"""Settings of the service, from environment variables only (https://12factor.net/config).

Every variable is named ``SANQIAN_*`` and listed in README.md. Without ``SANQIAN_DEBUG`` a missing
secret stops the start with `django.core.exceptions.ImproperlyConfigured`.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from sanqian_service.console import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def _secret(name: str, for_debug: str) -> str:
    value = str(env.str(name, default=""))
    if value:
        return value
    if DEBUG:
        return for_debug
    raise ImproperlyConfigured(
        f"{name} is not set. Generate one with `manage.py generate_secrets` and pass it in the environment."
    )


def _networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(text.strip()) for text in env.list(name, default=[])]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. Write networks as 10.20.0.0/16, with commas between.") from error


DEBUG = env.bool("SANQIAN_DEBUG", default=False)
SECRET_KEY = _secret("SANQIAN_SECRET_KEY", "debug-only-secret-key-of-no-value-to-anyone-0123456789")
# Comma separated; the first encrypts, all decrypt: put a new key in front, run `manage.py rotate_secrets`.
ENCRYPTION_KEYS = _secret("SANQIAN_ENCRYPTION_KEYS", "ZGVidWctb25seS1rZXktb2Ytbm8tdmFsdWUtMDEyMzQ=").split(",")
# Keys the hash of access keys, so that a stolen database alone cannot be searched for known keys.
ACCESS_KEY_PEPPER = _secret("SANQIAN_ACCESS_KEY_PEPPER", "debug-only-pepper")

ALLOWED_HOSTS = env.list("SANQIAN_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("SANQIAN_CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "clusters",
    "tasks",
    "tasks.web",
]
MIDDLEWARE = [
    "sanqian_service.headers.browser_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "sanqian_service.urls"
ASGI_APPLICATION = "sanqian_service.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": env.db("SANQIAN_DATABASE_URL", default="postgresql://sanqian@localhost/sanqian")}
# A pool per process: worker threads share it, so connections are bounded by processes, not by slots.
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    "max_size": env.int("SANQIAN_DATABASE_POOL", default=24),
    "timeout": 10,
    # Then it gives up until the next query, which tries at once. With longer patience its pauses double up to
    # minutes, and so long it would not see that the server is back.
    "reconnect_timeout": 5,
}
# Values travel beside the statement, which the server plans once a connection: half the cost of a transition.
DATABASES["default"]["OPTIONS"]["server_side_binding"] = True
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = env.int("SANQIAN_DATABASE_PREPARE_AFTER", default=5) or None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "sanqian_service" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("SANQIAN_STATIC_ROOT", default=str(BASE_DIR / "var" / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = env.bool("SANQIAN_SERVE_STATIC_FROM_PACKAGES", default=DEBUG)

AUTHENTICATION_BACKENDS = ["tasks.logins.GuardedBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
HTTPS = env.bool("SANQIAN_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
# Proxies before the service that add the address they were asked from to X-Forwarded-For. 0: it is not looked at.
TRUSTED_PROXIES = env.int("SANQIAN_TRUSTED_PROXIES", default=0)
# Wrong access keys in five minutes, from one address or for one key, before guessing is held up. 0: never.
WRONG_KEYS = env.int("SANQIAN_WRONG_KEYS", default=20)
# The same for operators' passwords, from one address or for one name.
WRONG_PASSWORDS = env.int("SANQIAN_WRONG_PASSWORDS", default=10)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# How long a client may take to send a request.
REQUEST_SECONDS = env.float("SANQIAN_REQUEST_SECONDS", default=30.0)

BROKER_URL = env.str("SANQIAN_BROKER_URL", default="redis://localhost:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("SANQIAN_CACHE_URL", default=BROKER_URL),
        # A cache that is slow to answer is worth less than none.
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}

CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# For ever: by default workers and beat end themselves when the broker has been away for about an hour.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A request must not hang on a broker that is down: the row is stored, the beat task sends later.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "priority_steps": list(range(10)),
    "queue_order_strategy": "priority",
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "provision"
CELERY_TASK_ROUTES = {
    "tasks.jobs.drive": {"queue": "provision"},
    "tasks.jobs.check_cluster": {"queue": "health"},
    "tasks.jobs.clear_hosts": {"queue": "health"},
    "tasks.jobs.read_certificates": {"queue": "health"},
    "tasks.jobs.deliver": {"queue": "webhooks"},
    "tasks.jobs.*": {"queue": "control"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
# Seconds after which a message of beat is dropped, by the worker's clock: so much may it be ahead of beat's.
BEAT_EXPIRES = 300
CELERY_BEAT_SCHEDULE = {
    "reconcile": {
        "task": "tasks.jobs.reconcile",
        "schedule": env.float("SANQIAN_RECONCILE_SECONDS", default=5.0),
        "options": {"expires": BEAT_EXPIRES},
    },
    "check-clusters": {
        "task": "tasks.jobs.check_clusters",
        "schedule": env.float("SANQIAN_HEALTH_SECONDS", default=60.0),
        "options": {"expires": BEAT_EXPIRES},
    },
    "clear-hosts": {"task": "tasks.jobs.clear_hosts", "schedule": 60.0, "options": {"expires": BEAT_EXPIRES}},
    "send-webhooks": {
        "task": "tasks.jobs.send_webhooks",
        "schedule": env.float("SANQIAN_WEBHOOK_SECONDS", default=5.0),
        "options": {"expires": BEAT_EXPIRES},
    },
    "check-certificates": {
        "task": "tasks.jobs.check_certificates",
        "schedule": 300.0,
        "options": {"expires": BEAT_EXPIRES},
    },
    "upkeep": {"task": "tasks.jobs.upkeep", "schedule": 300.0, "options": {"expires": BEAT_EXPIRES}},
    "prune": {"task": "tasks.jobs.prune", "schedule": crontab(hour=3, minute=17), "options": {"expires": 3600}},
}

# The engine (seconds). A slice must end well inside a lease.
SLICE_SECONDS = env.float("SANQIAN_SLICE_SECONDS", default=15.0)
LEASE_SECONDS = env.float("SANQIAN_LEASE_SECONDS", default=20.0)
RETRY_FACTOR = env.float("SANQIAN_RETRY_FACTOR", default=1.0)
# No operation takes longer; steps have limits of their own.
OPERATION_SECONDS = env.float("SANQIAN_OPERATION_SECONDS", default=86400.0)
# Bytes of one command's log on one host; of a longer one both ends are kept.
LOG_LIMIT_BYTES = env.int("SANQIAN_LOG_LIMIT_BYTES", default=64 * 1024 * 1024)
LOG_DAYS = env.float("SANQIAN_LOG_DAYS", default=90)
HEALTH_DAYS = env.float("SANQIAN_HEALTH_DAYS", default=365)
# How often certificates are read; the beat asks every five minutes which clusters' are due.
CERTIFICATES_SECONDS = env.float("SANQIAN_CERTIFICATES_SECONDS", default=21600.0)
# Webhooks: a try takes at most so long, what is refused is tried again after these pauses (seconds, three days in
# all), and an endpoint that takes nothing for so many days is switched off.
WEBHOOK_TIMEOUT = env.float("SANQIAN_WEBHOOK_TIMEOUT", default=10.0)
WEBHOOK_RETRIES = [
    float(pause)
    for pause in env.list(
        "SANQIAN_WEBHOOK_RETRIES", default=[5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    )
]
WEBHOOK_GIVE_UP_DAYS = env.float("SANQIAN_WEBHOOK_GIVE_UP_DAYS", default=5)
WEBHOOK_DAYS = env.float("SANQIAN_WEBHOOK_DAYS", default=30)
# Networks that are not public and that webhooks may lead to all the same, for example 10.20.0.0/16.
WEBHOOK_ALLOW_PRIVATE = _networks("SANQIAN_WEBHOOK_ALLOW_PRIVATE")
# Where customers' hosts, API servers and backup stores may be although it is refused by default (this machine's own
# network, its link's, clouds' metadata), and where they must not be, such as the service's own network.
ALLOW_NETWORKS = _networks("SANQIAN_ALLOW_NETWORKS")
REFUSE_NETWORKS = _networks("SANQIAN_REFUSE_NETWORKS")
# Files that the service uploads to hosts (the offline artifact) must lie below this directory.
ARTIFACT_DIR = Path(env.str("SANQIAN_ARTIFACT_DIR", default=str(BASE_DIR / "var" / "artifacts")))
# Copies of etcd's snapshots, where a cluster's backup store is `directory`. All workers must share it.
BACKUP_DIR = Path(env.str("SANQIAN_BACKUP_DIR", default=str(BASE_DIR / "var" / "backups")))

# The artifact of operations that name none: {"url": ..., "sha256": ...}, {"file": ...} or {"path": ...}, as JSON.
ARTIFACT = env.json("SANQIAN_ARTIFACT", default={})

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "clusters.api.documentation.Documentation",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["clusters.api.rendering.Renderer"],
    "DEFAULT_THROTTLE_RATES": {"access-key": env.str("SANQIAN_REQUESTS_PER_KEY", default="1200/min")},
    "EXCEPTION_HANDLER": "clusters.api.problems.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sanqian service",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": True, "displayRequestDuration": True},
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_SUFFIX": "",
    "PREPROCESSING_HOOKS": ["tasks.api.stream.add"],
    "ENUM_NAME_OVERRIDES": {
        "ClusterState": "clusters.models.ClusterState",
        "HealthState": "clusters.models.HealthState",
        "OperationState": "tasks.models.OperationState",
        "StepState": "tasks.models.StepState",
        "JobState": "tasks.models.JobState",
        "Outcome": "tasks.models.Outcome",
        "WebhookDeliveryState": "tasks.webhooks.models.WebhookDelivery.State",
        "EventTypeName": "tasks.webhooks.events.TYPES",
        "DeliveredEventType": "tasks.webhooks.events.DELIVERED",
        "QueueName": "tasks.queues.QUEUES",
        "Scope": "clusters.customers.Scope",
        "OperationKind": "tasks.plans.PLANS",
        "JobPhase": "tasks.api.serializers.PHASES",
        "StreamedState": "tasks.api.stream.LAST_STATES",
        "LogLevel": "clusters.models.Cluster.LogLevel",
        "BackupStore": "clusters.models.Cluster.BackupStore",
        "BackupPlace": "clusters.models.Backup.Store",
        "LoadBalancer": "clusters.inventory.LOAD_BALANCERS",
        "CredentialKind": "clusters.api.nodes.CREDENTIAL_KINDS",
        "ComponentKind": "clusters.api.catalogue.KINDS",
        "InstalledKind": "clusters.catalog.KINDS",
        "FindingLevel": "clusters.api.fields.LEVELS",
        "CephSeverity": "clusters.api.ceph.SEVERITIES",
        "CephOrigin": "clusters.models.CephReading.Source",
        "HealthSubject": "clusters.models.HealthEvent.Subject",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tasks.api.partial.allow_parts",
        "tasks.api.documentation.complete",
    ],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "sanqian_service.logs.Formatter", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("SANQIAN_LOG_LEVEL", default="INFO")},
    "loggers": {"paramiko": {"level": "WARNING"}, "celery.app.trace": {"level": "WARNING"}},
}
