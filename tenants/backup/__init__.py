"""A tenant as one file, and back: also into another installation.

What the archive holds is written down in docs/backup.md. Apps above declare their shared rows
(`shared`), what they add from outside (`collect`) and what they mend afterwards (`restore`).
"""

from tenants.backup.export import export_tenant
from tenants.backup.restore import restore_tenant

__all__ = ["export_tenant", "restore_tenant"]
