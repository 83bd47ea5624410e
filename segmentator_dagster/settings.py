"""Environment -> one typed settings object. Only the composition roots (definitions, api, cli) read it."""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from segmentator_dagster.domain.installation import (
    MOST_DEADLINE_SECONDS,
    MOST_EXPORT_DAYS,
    MOST_LINK_SECONDS,
    EffectiveSettings,
)
from segmentator_dagster.setting_values import (
    ClickHouseUrl,
    ExportLayer,
    Networks,
    Port,
    PublicUrl,
    TimeZone,
    is_loopback,
    scheme,
)

SECRETS_FILE = "secrets.json"
_OURS = EffectiveSettings()
FIRST_ADMINISTRATOR = "anna.smirnova"  # of a trial, where Yandex ID is emulated
_YANDEX = re.compile(r"(oauth|login)\.yandex\.(ru|com)")


class SettingsError(Exception):
    """A setting is wrong; the text is one line that names it."""


class EmbeddedSecrets(BaseModel, frozen=True):
    """Passwords and keys of an embedded installation, made at its first start, readable by its owner only."""

    clickhouse_admin: str
    clickhouse_writer: str
    clickhouse_reader: str
    link_key: str

    @property
    def yandex_client_secret(self) -> str:
        """What the emulator of Yandex ID knows us by."""
        return hmac.digest(self.link_key.encode(), b"yandex client secret", "sha256").hex()

    @classmethod
    def read(cls, data_dir: Path) -> Self | None:
        """The secrets of this data folder, or None where nothing was started yet."""
        path = data_dir / SECRETS_FILE
        return cls.model_validate_json(path.read_text("utf-8")) if path.exists() else None

    @classmethod
    def read_or_create(cls, data_dir: Path) -> Self:
        if found := cls.read(data_dir):
            return found
        data_dir.mkdir(parents=True, exist_ok=True)
        made = cls(**{name: secrets.token_hex(24) for name in cls.model_fields})
        path = data_dir / SECRETS_FILE
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(made.model_dump_json(indent=2), "utf-8")
        part.replace(path)
        return made


class Settings(BaseSettings):
    """Everything that differs between installations. Each field is `SEGMENTATOR_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="SEGMENTATOR_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path("data"), description="folder of the embedded parts: ClickHouse, SQLite, objects, logs")
    production: bool = Field(
        False, description="this is no trial: Yandex's own servers, https and secrets of your own are asked for"
    )
    public_url: PublicUrl | None = Field(
        None, description="address people open, e.g. `https://segments.example.ru`; unset: `http://` of host and port"
    )
    trusted_proxies: Networks = Field(
        (), description="addresses or networks, with commas, whose `X-Forwarded-For` is believed"
    )
    rate_limits: bool = Field(True, description="whether callers who ask too often are told to wait (429)")
    log_format: Literal["json", "console"] | None = Field(
        None, description="`json` (one line per event) or `console`; unset: `json` in production"
    )
    yandex_client_id: str | None = Field(None, description="ClientID of the application at oauth.yandex.ru")
    yandex_client_secret: SecretStr | None = Field(None, description="its Client secret")
    yandex_oauth_url: str = Field("https://oauth.yandex.ru", description="where people sign in and codes are exchanged")
    yandex_login_url: str = Field("https://login.yandex.ru", description="where Yandex ID says who somebody is")
    yandex_id_port: Port = Field(
        8010, description="port of the Yandex ID emulator, which stands in where no client id is set"
    )
    first_administrator: str | None = Field(
        None, description="Yandex login or e-mail that comes in as administrator while there is none"
    )
    session_idle_days: int = Field(7, ge=1, le=365, description="a session ends after so many days without a request")
    session_days: int = Field(30, ge=1, le=365, description="a session ends after so many days in any case")
    api_host: str = Field("127.0.0.1", description="address the API listens on")
    api_port: Port = Field(8000, description="port of the API")
    dagster_port: Port = Field(3000, description="port of the Dagster web server")
    clickhouse_port: Port = Field(8123, description="port of the embedded ClickHouse")
    clickhouse_url: ClickHouseUrl | None = Field(
        None, description="`http(s)://user:password@host:port` of a ClickHouse of your own; unset: the embedded one"
    )
    clickhouse_reader_url: ClickHouseUrl | None = Field(
        None, description="the same for a read-only user with a limiting profile; unset: `clickhouse_url`"
    )
    clickhouse_admin_url: ClickHouseUrl | None = Field(
        None, description="the same for a user who may create databases and tables; unset: `clickhouse_url`"
    )
    clickhouse_database: str = Field(
        "segmentator", pattern=r"^\w+$", description="ClickHouse database of our own tables"
    )
    clickhouse_data_database: str = Field(
        "datasets", pattern=r"^\w+$", description="ClickHouse database of loaded datasets"
    )
    database_url: Annotated[SecretStr, scheme("sqlite", "postgresql", "postgresql+psycopg2")] | None = Field(
        None, description="`postgresql://user:password@host/db` for metadata; unset: SQLite in the data folder"
    )
    object_store_url: Annotated[SecretStr, scheme("file", "s3")] | None = Field(
        None, description="`s3://bucket/prefix` or `file:///folder` for exports; unset: a folder in the data folder"
    )
    object_store_endpoint: str | None = Field(None, description="S3 endpoint, e.g. `https://storage.yandexcloud.net`")
    object_store_region: str = Field("ru-central1", description="S3 region")
    object_store_access_key_id: SecretStr | None = Field(None, description="S3 access key")
    object_store_secret_access_key: SecretStr | None = Field(None, description="S3 secret key")
    object_store_virtual_host: bool = Field(
        False, description="S3 addressing: bucket in the host name, not in the path"
    )
    object_store_sse: Literal["AES256", "aws:kms"] | None = Field(
        None, description="S3 encryption of new files on the server: `AES256` or `aws:kms`; unset: the bucket's own"
    )
    object_store_sse_kms_key_id: str | None = Field(
        None, description="key of `aws:kms`; unset: the default one of the account"
    )
    object_store_checksum: Literal["SHA256", "CRC64NVME"] | None = Field(
        None, description="S3 checksum kept with new files, where the server has them: `SHA256` or `CRC64NVME`"
    )
    redis_url: Annotated[SecretStr, scheme("redis", "rediss")] | None = Field(
        None, description="`redis://host:port/0` for the shared cache; unset: a cache in each process"
    )
    secret_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="signs download links of the folder store and sign-ins; unset: made at first start",
    )
    time_zone: TimeZone = Field(_OURS.time_zone, description="time zone of segments that name none")
    default_dataset: str = Field("user_activity", description="dataset of rules that name none")
    export_defaults: ExportLayer = Field(
        None, description="how files look where a segment says nothing: JSON like `export` of a segment; unset: ours"
    )
    export_days: int = Field(
        _OURS.export_days, ge=1, le=MOST_EXPORT_DAYS, description="how long published files are kept, days"
    )
    link_seconds: int = Field(
        _OURS.link_seconds, ge=1, le=MOST_LINK_SECONDS, description="how long a download link lives, seconds"
    )
    count_deadline_seconds: int = Field(
        _OURS.count_deadline_seconds, ge=1, le=MOST_DEADLINE_SECONDS, description="longest count or preview, seconds"
    )
    upload_megabytes: int = Field(
        1024, ge=1, le=1 << 20, description="largest file of an uploaded list, MiB, also after unpacking"
    )
    run_workers: int = Field(2, ge=1, le=64, description="idle warm processes kept ready for Dagster runs")
    demo_users: int = Field(
        200_000,
        ge=0,
        description="users in the demo dataset made at first start (in a ClickHouse of your own only if set); 0: none",
    )

    @field_validator("object_store_sse_kms_key_id")
    @classmethod
    def _key_of_kms(cls, key_id: str | None, known: ValidationInfo) -> str | None:
        if key_id and known.data.get("object_store_sse") != "aws:kms":
            raise ValueError("is for SEGMENTATOR_OBJECT_STORE_SSE=aws:kms")
        return key_id

    @classmethod
    def given(cls, **overrides: Any) -> Self:
        """What the environment says and no more: an address that is None there means the embedded part.

        Raises SettingsError, one line, where a value is wrong.
        """
        try:
            return cls(**overrides)
        except ValidationError as error:
            first = error.errors()[0]
            name = "SEGMENTATOR_" + str(first["loc"][0]).upper()
            raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Settings of this process; what is unset points at the embedded parts of the data folder."""
        given = cls.given(**overrides)
        return given.completed(EmbeddedSecrets.read(given.data_dir))

    def completed(self, embedded: EmbeddedSecrets | None) -> Self:
        """A copy in which every address is set, those of the embedded parts included.

        Raises SettingsError, one line, where they do not go together.
        """
        data = self.data_dir.resolve()
        changes: dict[str, Any] = {"data_dir": data}
        if self.clickhouse_url:
            changes["clickhouse_reader_url"] = self.clickhouse_reader_url or self.clickhouse_url
            changes["clickhouse_admin_url"] = self.clickhouse_admin_url or self.clickhouse_url
        elif embedded:
            for role in ("admin", "writer", "reader"):
                password = getattr(embedded, f"clickhouse_{role}")
                url = SecretStr(f"http://{role}:{password}@127.0.0.1:{self.clickhouse_port}")
                changes["clickhouse_url" if role == "writer" else f"clickhouse_{role}_url"] = url
        changes["database_url"] = self.database_url or SecretStr(f"sqlite:///{data / 'metadata.sqlite'}")
        changes["object_store_url"] = self.object_store_url or SecretStr("file://" + quote(str(data / "objects")))
        if not self.secret_key and embedded:
            changes["secret_key"] = SecretStr(embedded.link_key)
        host = f"[{self.api_host}]" if ":" in self.api_host else self.api_host
        changes["public_url"] = self.public_url or f"http://{host}:{self.api_port}"
        if self.emulates_yandex_id:
            changes["yandex_oauth_url"] = changes["yandex_login_url"] = f"http://127.0.0.1:{self.yandex_id_port}"
            changes["yandex_client_id"] = "segmentator-emulated"
            changes["first_administrator"] = self.first_administrator or FIRST_ADMINISTRATOR
            changes["yandex_client_secret"] = SecretStr(embedded.yandex_client_secret if embedded else "")
        completed = self.model_copy(update=changes)
        completed._refuse_danger()
        return completed

    def _refuse_danger(self) -> None:
        """SettingsError for what would leave an installation open."""
        if self.production:
            needed = {
                "yandex_client_id": bool(self.yandex_client_id),
                "yandex_client_secret": self.yandex_client_secret is not None,
                "secret_key": "secret_key" in self.model_fields_set and self.secret_key is not None,
            }
            for name, there in needed.items():
                if not there:
                    raise SettingsError(f"SEGMENTATOR_{name.upper()}: must be set in production")
            if not (self.public_url or "").startswith("https://"):
                raise SettingsError("SEGMENTATOR_PUBLIC_URL: must be https:// in production")
            for name in ("yandex_oauth_url", "yandex_login_url"):
                parts = urlsplit(getattr(self, name))
                if parts.scheme != "https" or not _YANDEX.fullmatch(parts.hostname or ""):
                    raise SettingsError(
                        f"SEGMENTATOR_{name.upper()}: must be https:// of yandex.ru or yandex.com in production"
                    )
        elif not is_loopback(self.api_host) or not is_loopback(urlsplit(self.public_url or "").hostname or ""):
            name = "API_HOST" if not is_loopback(self.api_host) else "PUBLIC_URL"
            raise SettingsError(f"SEGMENTATOR_{name}: without SEGMENTATOR_PRODUCTION=true it must be this machine")

    @property
    def emulates_yandex_id(self) -> bool:
        """Whether the emulator stands in for Yandex ID: where no client of Yandex's is set, and never in production."""
        return self.yandex_client_id is None and not self.production

    @property
    def dagster_home(self) -> Path:
        return self.data_dir.resolve() / "dagster"

    @property
    def dagster_url(self) -> str:
        return f"http://127.0.0.1:{self.dagster_port}"


def secret(value: SecretStr | None, name: str) -> str:
    """The text of a secret that must be there by now; SettingsError names it where it is not."""
    if value is None:
        raise SettingsError(
            f"SEGMENTATOR_{name.upper()}: not set, and no embedded part was started (run `segmentator up`)"
        )
    return value.get_secret_value()
