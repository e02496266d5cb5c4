#!/bin/sh
# Makes the secrets of docker-compose.yml in deploy/private: random, once, kept at every further run.
set -eu
cd "$(dirname "$0")"
mkdir -p private/accounts private/erasures private/jobs private/open-data
# Only you pass this folder. Inside, the containers' own users must read (and write some of it): they come by mount
# and never through it.
chmod 700 private
chmod 777 private/accounts private/erasures private/jobs private/open-data

secret() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
for name in superuser_password database_password collector_password simulator_password web_secret tombstone_key alarm_webhook_secret smtp_password; do
    [ -s "private/$name" ] || { secret >"private/$name" && chmod 444 "private/$name"; }
done

# The list that `borough devices credentials` keeps: it gives the collector the account whose secret it finds here.
list=private/accounts/secrets.csv
if [ ! -e "$list" ]; then
    printf 'device_id,username,password\nborough-collector,borough-collector,%s\n' "$(cat private/collector_password)" >"$list"
    chmod 666 "$list"
fi
# The simulator's account, for the profile `demo`; the list drops it again while no device stands behind that gateway.
# Once the service `accounts` has written the list it is the broker's: root alone can add to it.
if [ ! -r "$list" ] || [ ! -w "$list" ]; then
    echo "deploy/$list belongs to the broker's user and is left as it is. Before the profile demo: sudo sh" \
        "deploy/prepare.sh" >&2
elif ! grep -q '^borough-simulator,' "$list"; then
    printf 'borough-simulator,borough-simulator,%s\n' "$(cat private/simulator_password)" >>"$list"
fi
echo "Secrets are in deploy/private."
