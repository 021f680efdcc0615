"""All settings. This file alone reads the environment.

Everything outside is named by URL. Without DATABASE_URL the embedded services are used that
`make demo` and `make test` start; they leave their addresses and passwords in var/embedded.env.
"""

import os
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from kombu import Queue

from controlplane.api.enum_names import ENUM_NAMES
from controlplane.beat import SCHEDULE
from controlplane.core import logs, redaction
from controlplane.core.admin_theme import UNFOLD  # noqa: F401  (Django reads it here)
from controlplane.core.lanes import LANES

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if "DATABASE_URL" not in os.environ:
    env.read_env(os.environ.get("PERGOLA_ENV_FILE", BASE_DIR / "var" / "embedded.env"))

# --- Identity of this deployment -------------------------------------------------------------

RELEASE = "0.2.0"
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Newest first: from a file with one key a line, else from the environment.
ENCRYPTION_KEYS_FILE = env.str("ENCRYPTION_KEYS_FILE", default="")
ENCRYPTION_KEYS = (
    Path(ENCRYPTION_KEYS_FILE).read_text().split()
    if ENCRYPTION_KEYS_FILE
    else env.list("ENCRYPTION_KEYS")
)
if not ENCRYPTION_KEYS:
    raise ImproperlyConfigured("ENCRYPTION_KEYS, or the file at ENCRYPTION_KEYS_FILE, has no key.")
DEBUG = env.bool("DEBUG", default=False)
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
PLATFORM_HOST = urlsplit(PUBLIC_URL).hostname or "localhost"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[PLATFORM_HOST, f".{PLATFORM_HOST}", "127.0.0.1"])
USE_X_FORWARDED = env.bool("BEHIND_PROXY", default=False)

# --- Applications: shared tables, tenants' tables, and apps that have both ---------------------

SHARED_APPS = [
    # Before django_tenants, which has an admin/index.html of its own too.
    "unfold",
    "unfold.contrib.filters",
    # Before django_tenants too, which has a command `create_tenant` of its own.
    "tenants",
    "django_tenants",
    # The platform's own chain stands beside the shared rows, each tenant's in its schema.
    "controlplane.audit",
    # So do the data keys: each schema's secrets have their own.
    "controlplane.vault",
    "controlplane.events",
    "controlplane.instances",
    "controlplane.policies",
    "controlplane.catalog",
    "controlplane.portal",
    "controlplane.api",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    # Behind the portal, whose templates stand in for its own.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
TENANT_APPS = [
    "controlplane.audit",
    "controlplane.vault",
    "controlplane.instances",
    "controlplane.connections",
    "controlplane.events",
    "controlplane.approvals",
    "controlplane.policies",
    "controlplane.knowledge",
    "controlplane.orders",
    "controlplane.invoices",
    "controlplane.support",
    "controlplane.catalog",
]
INSTALLED_APPS = SHARED_APPS + [app for app in TENANT_APPS if app not in SHARED_APPS]
# Of an app that stands in both lists, these models stand in the tenant's schema.
TENANT_MODELS = {
    "events": {"source", "event", "subscription", "delivery", "ledgerentry", "pause",
               "exceptioncase", "exceptionnote"},
    "instances": {"workspace"},
    "catalog": {"installation", "snapshot", "upgrade"},
    "policies": {
        "policy", "rule", "example", "policyversion", "versionstep", "schedule", "publishingterms",
        "boundversion", "decision", "decisionentry", "simulationrun", "simulationflip",
    },
}  # fmt: skip

MIDDLEWARE = [
    # Machines leave here, for the list below.
    "controlplane.api.machines.MachineMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "controlplane.api.middleware.RequestLogMiddleware",
    "tenants.middleware.HostMiddleware",
    "csp.middleware.CSPMiddleware",
    "controlplane.core.csp.LooserForLibrariesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tenants.security.factors.AdminFactorMiddleware",
    # Innermost: people and keys are known before the tenant is entered, and it is left before
    # the session is saved.
    "tenants.middleware.TenantMiddleware",
]
# For the intake, and for API calls with a key. Nothing here may read a cookie.
MACHINE_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "controlplane.api.middleware.RequestLogMiddleware",
    "tenants.middleware.HostMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tenants.middleware.TenantMiddleware",
]
ROOT_URLCONF = "controlplane.urls"
TENANT_URLCONF = "controlplane.tenant_urls"
TENANT_ADMIN_HOME = "admin:catalog_installation_changelist"
WSGI_APPLICATION = "controlplane.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "controlplane.portal.context.brand",
                "controlplane.portal.context.support",
                "controlplane.portal.context.permitted",
            ],
        },
    }
]

# --- Database: the application's login by default, the owner's for migrations ------------------

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["tenants.router.PlacementRouter", "django_tenants.routers.TenantSyncRouter"]
ENGINE = "tenants.database"

APP_DATABASE = env.db("DATABASE_URL")
OWNER_DATABASE = env.db("DATABASE_OWNER_URL", default=env.str("DATABASE_URL"))
POOL = {"min_size": 1, "max_size": 12, "max_lifetime": 600}
DATABASES = {
    "default": {
        **APP_DATABASE,
        "ENGINE": ENGINE,
        # What the URL says after its question mark (sslmode, …) stays.
        "OPTIONS": {
            **APP_DATABASE.get("OPTIONS", {}),
            **({"pool": POOL} if env.bool("DATABASE_POOL", default=True) else {}),
        },
    },
    "owner": {**OWNER_DATABASE, "ENGINE": ENGINE, "TENANT_ROLES": False},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Schemas that wait ready to become tenants; kept filled by a task.
SPARE_TENANTS = env.int("SPARE_TENANTS", default=2)
# Citus takes one statement at a time.
DDL_ONE_BY_ONE = env.bool("DDL_ONE_BY_ONE", default=False)

# --- Redis: Celery's broker and the cache ------------------------------------------------------

REDIS_URL = env.str("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "tenants.cache.tenant_key",
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = False
# A tenant's tasks go through one lane of these; a worker takes from all in turn, so that a long
# queue of one tenant stands beside the others' and not before them.
CELERY_TASK_QUEUES = [Queue("default"), *(Queue(lane) for lane in LANES)]
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE

# --- n8n: which one `make demo` registers (in production that is done in the admin) ------------

N8N_URL = env.str("N8N_URL", default="")
N8N_API_KEY = env.str("N8N_API_KEY", default="")
N8N_PROJECT_ID = env.str("N8N_PROJECT_ID", default="")
N8N_OWNER_PASSWORD = env.str("N8N_OWNER_PASSWORD", default="")
# Where n8n reaches Pergola; behind a proxy or in containers this differs from PUBLIC_URL.
INTERNAL_URL = env.str("INTERNAL_URL", default=PUBLIC_URL).rstrip("/")

# --- People: log-in, sessions, e-mail ----------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "sesame.backends.ModelBackend",
    # Of sessions that began before allauth was there.
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = reverse_lazy("account_login")
SESAME_ONE_TIME = True
SESAME_MAX_AGE = 15 * 60
PASSWORD_RESET_TIMEOUT = 60 * 60

SECURE = PUBLIC_URL.startswith("https://")
# On http:// nobody's account is worth a second factor: that is a trial on one's own machine.
ADMIN_REQUIRES_MFA = env.bool("ADMIN_REQUIRES_MFA", default=SECURE)
# Rules that bind many tenants come into force only when somebody else approved them.
LAYERS_NEED_APPROVAL = env.bool("LAYERS_NEED_APPROVAL", default=SECURE)
ACCOUNT_ADAPTER = "controlplane.portal.identity.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "controlplane.portal.forms.accounts.LogInForm",
    "reset_password": "controlplane.portal.forms.accounts.ResetForm",
}
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
# By the link of an invitation, which was mailed to it: nobody signs up by themselves.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/10m/key",
}
MFA_ADAPTER = "controlplane.portal.identity.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_ADAPTER = "controlplane.portal.identity.single_sign_on.SingleSignOnAdapter"
# By a link, since the policy of the pages lets no form be sent on to elsewhere.
SOCIALACCOUNT_LOGIN_ON_GET = True
# Partners' identity providers are called at public addresses by https, but for these hosts.
OIDC_PRIVATE_HOSTS = env.list("OIDC_PRIVATE_HOSTS", default=[])

# --- Connections: outside systems of tenants, reached at public addresses by TLS -----------------

# Hosts of the installation's own network, or `host:port`, that every tenant's connections may
# reach all the same, also by http.
CONNECTION_PRIVATE_HOSTS = env.list("CONNECTION_PRIVATE_HOSTS", default=[])

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "pergola_session"
CSRF_COOKIE_NAME = "pergola_csrf"
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if USE_X_FORWARDED else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

EMAIL_CONFIG = env.email_url("EMAIL_URL", default=f"filemail:///{BASE_DIR / 'var' / 'mail'}")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"Pergola <no-reply@{PLATFORM_HOST}>")
EMAIL_TIMEOUT = 10

# --- Files: what tenants upload; each tenant's in a folder of its own ---------------------------

FILES_ROOT = env.path("FILES_ROOT", default=BASE_DIR / "var" / "files")
DOCUMENT_MAX_BYTES = env.int("DOCUMENT_MAX_BYTES", default=25 * 1024 * 1024)

# What a leaving tenant takes with it, one archive each; never removed by Pergola.
EXPORTS_ROOT = env.path("EXPORTS_ROOT", default=BASE_DIR / "var" / "exports")
# Days in which a leaving tenant can be taken back.
LEAVING_GRACE_DAYS = env.int("LEAVING_GRACE_DAYS", default=30)
# A PEM file with an Ed25519 key that signs certificates of removal. Without one the key is derived
# from SECRET_KEY, and changes with it.
CERTIFICATE_KEY_FILE = env.str("CERTIFICATE_KEY_FILE", default="")

# --- Audit: the key of checkpoints, and where they are kept besides -----------------------------

# A PEM file with an Ed25519 key that signs checkpoints of audit chains. Without one the key is
# derived from SECRET_KEY, and changes with it.
AUDIT_KEY_FILE = env.str("AUDIT_KEY_FILE", default="")
# Public halves of keys that signed before, base64: what they signed still counts.
AUDIT_FORMER_PUBLIC_KEYS = env.list("AUDIT_FORMER_PUBLIC_KEYS", default=[])
# Each checkpoint is sent here as well, out of reach of who has the database: an https:// address,
# or file:///a/folder on another machine. Empty: nowhere.
AUDIT_SINK = env.str("AUDIT_SINK", default="")

# --- Knowledge: where passages are searched, and which model writes answers --------------------

# Without these: PostgreSQL (BM25 and pgvector), and answers quoted from the passages.
WEAVIATE_URL = env.str("WEAVIATE_URL", default="")
WEAVIATE_GRPC_URL = env.str("WEAVIATE_GRPC_URL", default="")
WEAVIATE_API_KEY = env.str("WEAVIATE_API_KEY", default="")
# Where they stand, as tenants' regions are named. Empty is unknown: a tenant with a region then
# has its passages in PostgreSQL, and its answers quoted.
WEAVIATE_REGION = env.str("WEAVIATE_REGION", default="")
LLM_REGION = env.str("LLM_REGION", default="")
# As LangChain names them: "openai:gpt-5-mini", "anthropic:…", "ollama:…".
LLM_MODEL = env.str("LLM_MODEL", default="")
LLM_BASE_URL = env.str("LLM_BASE_URL", default="")
LLM_API_KEY = env.str("LLM_API_KEY", default="")
# Seconds for one answer, with its repetitions; then the sources are quoted.
LLM_TIMEOUT = env.int("LLM_TIMEOUT", default=30)
# US dollars for a million tokens; with them a tenant's monthly quota counts.
LLM_PRICE_IN = Decimal(env.str("LLM_PRICE_IN", default="0"))
LLM_PRICE_OUT = Decimal(env.str("LLM_PRICE_OUT", default="0"))
# The embedding model's graph is built once from the installed weights and kept here.
MODELS_ROOT = env.path("MODELS_ROOT", default=BASE_DIR / "var" / "models")

# --- Doors -------------------------------------------------------------------------------------

# How many requests one process of the web server carries out at once. On the threads that granian
# has besides, those wait who sent too much.
WEB_THREADS = env.int("WEB_THREADS", default=8)
WEB_SPARE_THREADS = max(0, env.int("GRANIAN_BLOCKING_THREADS", default=WEB_THREADS) - WEB_THREADS)
INTAKE_MAX_BYTES = env.int("INTAKE_MAX_BYTES", default=2 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = INTAKE_MAX_BYTES
# Seconds that the time which a sender signs may be from ours, both ways.
INTAKE_TOLERANCE_SECONDS = env.int("INTAKE_TOLERANCE_SECONDS", default=300)
# Mutual TLS: a proxy's header about the client's certificate, and the proxies that are believed.
MTLS_HEADER = env.str("MTLS_HEADER", default="")
MTLS_PROXIES = env.list("MTLS_PROXIES", default=[])
# How many events of one workflow that a Webhook of n8n's starts are offered to it and not fetched
# yet, at most. The others queue.
DELIVERY_WINDOW = max(1, env.int("DELIVERY_WINDOW", default=8))
# Hours to look at an exception in, by its type: "connection=1;parse=24".
EXCEPTION_HOURS = env.dict("EXCEPTION_HOURS", {"value": int}, default={})
FILE_UPLOAD_HANDLERS = [
    "controlplane.core.uploads.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# What a scraper of /metrics shows as a bearer token. Empty: this machine alone may ask.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Tenants that have a name of their own in the measures; the ones that came later are told together.
METRICS_MAX_TENANTS = env.int("METRICS_MAX_TENANTS", default=500)
# Combinations of labels that one process keeps between two hand-overs.
METRICS_MAX_SERIES = env.int("METRICS_MAX_SERIES", default=20_000)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "controlplane.api.authentication.KeyAuthentication",
        "controlplane.api.authentication.MemberAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["controlplane.api.parsers.StorableJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "controlplane.api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "controlplane.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pergola",
    "DESCRIPTION": "The control plane's API: node operations, subscriptions, approvals.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "controlplane.api.openapi.name_environment",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": ENUM_NAMES,
    # What Django's converter takes; anything else is no address.
    "PATH_CONVERTER_OVERRIDES": {"slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"}},
}

# --- Language, time, static files, logs --------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "controlplane" / "portal" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
WHITENOISE_USE_FINDERS = True

LOGGING_CONFIG = None
DEFAULT_EXCEPTION_REPORTER_FILTER = "controlplane.core.reports.ReportFilter"
redaction.never_show(
    SECRET_KEY, *SECRET_KEY_FALLBACKS, *ENCRYPTION_KEYS, APP_DATABASE["PASSWORD"],
    OWNER_DATABASE["PASSWORD"], REDIS_URL,
    METRICS_TOKEN, N8N_API_KEY, N8N_OWNER_PASSWORD, WEAVIATE_API_KEY, LLM_API_KEY,
    EMAIL_CONFIG.get("EMAIL_HOST_PASSWORD") or "",
)  # fmt: skip
logs.configure(env.str("LOG_LEVEL", default="INFO"))
