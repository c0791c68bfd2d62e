# Sourced by the scripts beside it: a local cloud of their own, the aws CLI, and shared functions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
export AWS_PAGER="" PATH="$PWD/../../.venv/bin:$PATH"
if ! command -v aws > /dev/null; then
  echo "# the aws CLI, for this script only" >&2
  python3 -m venv "$work/aws" && "$work/aws/bin/pip" install -q awscli
  PATH="$work/aws/bin:$PATH"
fi

batchrelay local up > "$work/cloud" 2> "$work/trouble" &
cloud=$!
trap 'kill $cloud; wait $cloud || true; rm -rf "$work"' EXIT
until grep -qs Ctrl-C "$work/cloud"; do kill -0 $cloud || cat "$work/trouble"; sleep 0.1; done
source "$work/cloud"

output() { # of the stack
  aws cloudformation describe-stacks --stack-name batchrelay --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

ended() { # wait until PIPELINE has so many runs, and all have ended
  local runs='import json, sys; runs = json.load(sys.stdin)["runs"]
open = {"QUEUED", "RUNNING", "CANCELLING"} & {run["status"] for run in runs}
sys.exit(bool(open) or len(runs) < int(sys.argv[1]))'
  until batchrelay runs "$1" --limit 200 --output json | python3 -c "$runs" "$2"; do sleep 0.5; done
  batchrelay runs "$1"
}

show() { # the command as it can be typed, then its output
  local word plain='^[A-Za-z0-9_./:=,*-]+$'
  printf '$'
  for word in "$@"; do
    if [[ $word =~ $plain ]]; then printf ' %s' "$word"; else printf ' %s' "${word@Q}"; fi
  done
  echo
  "$@"
}
