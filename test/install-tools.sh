#!/usr/bin/env bash
# Installs what the tests need of Debian and is not there yet: as root, where apt-get is. Elsewhere it does nothing, and the suites
# concerned skip by name. SWITCHGEAR_INSTALL_TOOLS=no turns it off. With --require a tool that is still missing is an error.
set -euo pipefail

require=${1:-}
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v curl >/dev/null || missing+=(curl)
{ command -v prometheus && command -v promtool; } >/dev/null || missing+=(prometheus)
{ command -v prometheus-alertmanager && command -v amtool; } >/dev/null || missing+=(prometheus-alertmanager)
command -v redis-server >/dev/null || missing+=(redis-server)
# Its servers are in a folder for each version, off the PATH.
{ command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres'; } >/dev/null || missing+=(postgresql)
if ((${#missing[@]} == 0)); then exit 0; fi

main() {
  if [[ ${SWITCHGEAR_INSTALL_TOOLS:-yes} == no || $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "not installed: ${missing[*]}; their suites are skipped (apt-get install ${missing[*]})"
    return 1
  fi
  echo "installing ${missing[*]} for the tests (SWITCHGEAR_INSTALL_TOOLS=no to skip the suites that need them instead)"
  with_services_held install_packages
}

# The servers are started by the tests alone, as plain processes: none shall run as a service of the machine.
with_services_held() {
  local policy=/usr/sbin/policy-rc.d made=no code=0
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
  fi
  "$@" || code=$?
  if [[ $made == yes ]]; then rm -f "$policy"; fi
  return "$code"
}

install_packages() {
  local log code=0
  log=$(mktemp)
  {
    DEBIAN_FRONTEND=noninteractive timeout 120s apt-get -qq update &&
      DEBIAN_FRONTEND=noninteractive timeout 480s apt-get -qq -y --no-install-recommends install "${missing[@]}"
  } >"$log" 2>&1 || code=$?
  if ((code != 0)); then tail -n 30 "$log"; fi
  rm -f "$log"
  return "$code"
}

main || [[ $require != --require ]]
