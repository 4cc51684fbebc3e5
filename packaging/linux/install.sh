#!/bin/sh
# Installs the unpacked archive that this script lies in as a service: /opt/bugwatch, user bugwatch, /var/lib/bugwatch.
# Run it again to upgrade. Settings: /etc/bugwatch/bugwatch.env (BUGWATCH_HOST=0.0.0.0 …).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo "Run this as root: it makes a user and a service." >&2; exit 1; }

id bugwatch >/dev/null 2>&1 || useradd --system --home-dir /var/lib/bugwatch --shell /usr/sbin/nologin bugwatch

# Beside the old one first, so that a full disk leaves a working program.
rm -rf /opt/bugwatch.new
cp -R "$here" /opt/bugwatch.new
/opt/bugwatch.new/bugwatch version
systemctl stop bugwatch 2>/dev/null || true
rm -rf /opt/bugwatch
mv /opt/bugwatch.new /opt/bugwatch
ln -sf /opt/bugwatch/bugwatch /usr/local/bin/bugwatch

install -d -m 0750 /etc/bugwatch
install -m 0644 "$here/bugwatch.service" /etc/systemd/system/bugwatch.service
systemctl daemon-reload
systemctl enable --now bugwatch
echo "Bugwatch runs. The address for the first visit: journalctl -u bugwatch"
