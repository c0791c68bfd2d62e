# Sourced by each client's script: a temporary folder, the client in an environment of its own, a
# local cloud. At the end, on failure and on Ctrl-C no process and no folder is left.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
pids=()

finish() {
  trap '' INT TERM HUP
  if ((${#pids[@]})); then kill -- "${pids[@]}" 2> /dev/null; wait 2> /dev/null; fi
  rm -rf "$work"
}
trap 'finish || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() { # SENTENCE
  echo "failed: $1" >&2
  exit 1
}

expect() { # WHAT FOUND WANTED
  [[ $2 == "$3" ]] || fail "$1 is ${2@Q}, not ${3@Q}"
}

run() { # a long command: a signal ends it at once, and what it has started, its process group
  set -m
  "$@" < /dev/null &
  set +m
  pids+=("-$!")
  wait $!
}

install_python() { # REQUIREMENT… into $work/venv, and its programs on PATH
  run "$root/.tools/uv/bin/uv" venv -q --python "$root/.venv/bin/python" "$work/venv"
  run "$root/.tools/uv/bin/uv" pip install -q --python "$work/venv/bin/python" "$@"
  export VIRTUAL_ENV="$work/venv" PATH="$work/venv/bin:$PATH"
}

install_node() { # REQUIREMENT… into $work/node_modules; no script of a package runs
  run npm install --prefix "$work" --silent --no-audit --no-fund --ignore-scripts "$@"
}

start_cloud() { # [OPTION…] of local up: an AWS Batch whose export lines are the only AWS that the client can find
  local name
  for name in "${!AWS_@}"; do unset "$name"; done
  mkdir "$work/home" "$work/jobs" "$work/temporary"
  export HOME="$work/home" TMPDIR="$work/temporary" AWS_PAGER="" AWS_EC2_METADATA_DISABLED=true
  export PYTHONDONTWRITEBYTECODE=1
  cd "$work/jobs"
  "$root/.venv/bin/batchrelay" local up --only batch "$@" > "$work/cloud" 2> "$work/trouble" &
  local cloud=$!
  pids+=("$cloud")
  until grep -qs Ctrl-C "$work/cloud"; do
    kill -0 "$cloud" 2> /dev/null || fail "no local cloud: $(< "$work/trouble")"
    sleep 0.1
  done
  source "$work/cloud"
}
