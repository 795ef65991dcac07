#!/usr/bin/env bash
# One script for everything a checkout needs: see `./build.sh help`.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
js=tests/Interop.Tests/js
results=artifacts/test

say() { printf '%s\n' "$*"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

help() {
  cat <<'TEXT'
./build.sh demo [PATH]   build, then copy a folder or file through two nodes (and a JavaScript one) and compare
./build.sh test          build everything, run every test; the last line counts them
./build.sh bench [ROW]   the benchmark table beside JavaScript: all, engine, wire, feed, replicate, udx, dht or page;
                         publish: how fast the published file starts a node
./build.sh simulate ...  --seed N or --seeds N [--scenario feed-small|feed-large|copy|copy-udx|dht|dht-small|soak]: a network from a seed
./build.sh pack          the NuGet packages of the libraries and their symbols, in artifacts/packages
./build.sh publish [RID] the command line as one file that needs no .NET, in artifacts/publish/RID: native code for this machine's kind,
                         for another (or with -p:IsNative=false) a file with its runtime inside
./build.sh clean         remove everything that was built or installed inside this checkout
./build.sh help          this text

Needed: .NET SDK 10. libsodium is installed by apt-get when it is missing and this runs as root.
Node 20 or newer and npm are needed for the interop tests, the benchmarks beside JavaScript and the last step of the demo.
TEXT
}

# ---- what has to be on the machine ----

need_dotnet() {
  command -v dotnet >/dev/null 2>&1 && dotnet --list-sdks | grep -q '^10\.' ||
    die "the .NET SDK 10 is missing and can't be installed from here: https://dotnet.microsoft.com/download/dotnet/10.0"
}

has_sodium() {
  if [[ $(uname) == Darwin ]]; then
    compgen -G '/opt/homebrew/lib/libsodium*.dylib' >/dev/null || compgen -G '/usr/local/lib/libsodium*.dylib' >/dev/null
  else
    compgen -G '/usr/lib*/libsodium.so.2[36]*' >/dev/null || compgen -G '/usr/lib/*/libsodium.so.2[36]*' >/dev/null ||
      compgen -G '/lib/*/libsodium.so.2[36]*' >/dev/null || compgen -G '/usr/local/lib/libsodium.so.2[36]*' >/dev/null ||
      { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true; } | grep -Eq 'libsodium\.so\.2[36]'
  fi
}

need_sodium() {
  has_sodium && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    say "Installing libsodium23"
    apt-get update -qq </dev/null >/dev/null || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libsodium23 </dev/null >/dev/null ||
      die "apt-get could not install libsodium23"
  else
    die "libsodium is missing: apt-get install libsodium23 (Debian, Ubuntu), brew install libsodium (macOS)"
  fi
}

# Network namespaces and translators: without them those tests say so and are skipped.
want_namespaces() {
  command -v ip >/dev/null 2>&1 && command -v nft >/dev/null 2>&1 && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    say "Installing iproute2 and nftables"
    apt-get update -qq </dev/null >/dev/null || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq iproute2 nftables </dev/null >/dev/null && return
  fi

  say "iproute2 and nftables are missing and can't be installed from here: the tests through translators are skipped"
}

# A browser for the page: without it its tests say so and are skipped.
want_chromium() {
  command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    say "Installing chromium"
    apt-get update -qq </dev/null >/dev/null || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium </dev/null >/dev/null && return
  fi

  say "chromium is missing and can't be installed from here: what needs the page in a browser is skipped"
}

# Shells that complete our words, beside bash, and who reads our unit: without one of them its test says so and is skipped.
want_tools() {
  command -v zsh >/dev/null 2>&1 && command -v fish >/dev/null 2>&1 && command -v curl >/dev/null 2>&1 &&
    command -v systemd-analyze >/dev/null 2>&1 && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    say "Installing zsh, fish, curl and systemd's tools"
    apt-get update -qq </dev/null >/dev/null || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends zsh fish curl systemd </dev/null >/dev/null && return
  fi

  say "zsh, fish, curl or systemd-analyze is missing and can't be installed from here: the tests with it are skipped"
}

# A linker for native code.
need_linker() {
  command -v clang >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    say "Installing gcc"
    apt-get update -qq </dev/null >/dev/null || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev zlib1g-dev </dev/null >/dev/null && return
  fi

  say "a linker is missing and can't be installed from here: apt-get install gcc zlib1g-dev (Debian, Ubuntu)"
  return 1
}

# The kind of machine that this is, in .NET's words.
own_rid() {
  local system=linux machine=x64
  [[ $(uname) == Darwin ]] && system=osx
  [[ $(uname -m) == aarch64 || $(uname -m) == arm64 ]] && machine=arm64
  printf '%s-%s' "$system" "$machine"
}

has_node() {
  command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 &&
    [[ $(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0) -ge 20 ]]
}

no_node="Node 20 or newer (with npm) is missing and can't be installed from here: https://nodejs.org/en/download"

# Exactly what the lock file says, and again only when the lock file has changed.
install_js() {
  local stamp=$js/node_modules/.installed lock
  lock=$(cksum <"$js/package-lock.json")
  if [[ $(cat "$stamp" 2>/dev/null || true) != "$lock" ]]; then
    say "Installing the JavaScript peers"
    (cd "$js" && npm ci --no-audit --no-fund --loglevel=error </dev/null) || return 1
    printf '%s\n' "$lock" >"$stamp"
  fi
}

# ---- test ----

passed=0 failed=0 skipped=0

fail() {
  failed=$((failed + 1))
  say "FAILED: $*"
}

finish() {
  if [[ $((passed + failed)) == 0 ]]; then
    fail "no test ran"
  fi

  say "$passed passed, $failed failed, $skipped skipped"
  [[ $failed == 0 ]]
}

# Runs one test project from its assembly; a run that hangs is ended at twice the budget.
run_project() {
  local budget=$1 name=$2 assembly=$3 status=0
  shift 3
  timeout -k 10 $((2 * budget)) dotnet test "$assembly" --nologo "$@" \
    --results-directory "$results" --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" \
    >"$results/$name.log" 2>&1 || status=$?
  # From a file, not through a pipe: a process that a test left behind would keep a pipe open.
  grep -vE '^(Starting test execution|A total of [0-9]+ test files|Results File:|$)' "$results/$name.log" || true
  tally "$name" "$status" "$results/$name.trx"
}

# Adds up the counters of one result file; a run that ended badly without a failed test counts as one.
tally() {
  local project=$1 status=$2 trx=$3 counters ran good bad total
  counters=$(tr '\n' ' ' <"$trx" 2>/dev/null | grep -o '<Counters [^>]*>' | head -n 1 || true)
  count() { grep -o " $1=\"[0-9]*\"" <<<"$counters" | tr -dc '0-9' || true; }
  total=$(count total) good=$(count passed) ran=$(count executed)
  total=${total:-0} good=${good:-0} ran=${ran:-0} bad=$((ran - good))
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + total - ran))
  if [[ $status != 0 && $bad == 0 ]]; then
    fail "$project ended with status $status"
  elif [[ $total == 0 ]]; then
    fail "$project holds no test"
  fi
}

# A tier is a list of test projects and the seconds it may take.
tier() {
  local name=$1 budget=$2 begun=$SECONDS project
  shift 2
  say "== $name"
  for project in "$@"; do
    run_project "$budget" "$project" "tests/$project/bin/Release/net10.0/HyperActors.$project.dll"
  done

  local took=$((SECONDS - begun))
  say "== $name: $took s of $budget s"
  if ((took > budget)); then
    say "OVER BUDGET: the tier '$name' took $took s, its budget is $budget s"
  fi
}

# The actors and all that is built on them must also compile against Akka.NET: its shape always, the real thing where
# its packages restore. There the engine's conformance suite runs on it too, and the command line's tests of nodes that
# live: what they do with arguments, terminals and broken files has nothing to do with the engine.
engine_projects=(src/Cli tests/Kernel.Tests)
on_akka='FullyQualifiedName~FeedVerbs|FullyQualifiedName~ServeAndDownload|FullyQualifiedName~NetworkVerbs|FullyQualifiedName~UdxTests'
on_akka+='|FullyQualifiedName~DaemonTests|FullyQualifiedName~GettingStarted|FullyQualifiedName~DemoTests'

on_engine() {
  local engine=$1 project status=0
  shift
  for project in "${engine_projects[@]}" "$@"; do
    dotnet build "$project" -c Release "-p:ActorEngine=$engine" -p:RunAnalyzers=false -v q --nologo ||
      { fail "$project does not compile with -p:ActorEngine=$engine"; status=1; }
  done

  return $status
}

seam() {
  say "== engine seam"
  on_engine Shape || true
  if ! timeout 120 dotnet restore tests/Kernel.Tests -p:ActorEngine=Akka -v q >/dev/null 2>&1; then
    say "Akka.NET's packages can't be restored here: no test ran on Akka.NET"
  elif on_engine Akka tests/Cli.Tests; then
    run_project 60 Kernel.Tests-on-Akka tests/Kernel.Tests/bin/Akka/Release/net10.0/HyperActors.Kernel.Tests.dll
    run_project 240 Cli.Tests-on-Akka tests/Cli.Tests/bin/Akka/Release/net10.0/HyperActors.Cli.Tests.dll --filter "$on_akka"
  fi
}

# The tests that run the command line as a process run what users install, where it can be made.
ship() {
  local begun=$SECONDS
  say "== publish"
  if ! need_linker; then
    say "The command line's tests run it as it was built instead"
  elif run_publish; then
    TEST_HYPERACTORS=$PWD/artifacts/publish/$(own_rid)/hyperactors
    export TEST_HYPERACTORS
    say "== publish: $((SECONDS - begun)) s"
  else
    fail "the publication"
  fi
}

run_tests() {
  exec </dev/null
  need_dotnet
  need_sodium
  want_namespaces
  want_chromium
  want_tools
  rm -rf "$results"
  mkdir -p "$results"

  local begun=$SECONDS
  say "== build"
  if ! dotnet build HyperActors.sln -c Release -v q --nologo || ! HYPERACTORS_BUILD_ONLY=1 ./hyperactors; then
    fail "the build"
    finish
    return
  fi

  say "== build: $((SECONDS - begun)) s"
  dotnet format whitespace . --folder --verify-no-changes --exclude '**/bin/' '**/obj/' '**/node_modules/' ||
    fail "the format: run dotnet format whitespace . --folder"
  seam
  ship
  if has_node; then
    install_js || fail "npm could not install the JavaScript peers; the interop tests are skipped"
  else
    say "$no_node; the interop tests are skipped"
  fi

  local unit=() project
  for project in tests/*.Tests; do
    project=${project#tests/}
    case $project in
      Interop.Tests | Simulation.Tests | Cli.Tests | Daemon.Tests | Client.Tests | Hosting.Tests | Nat.Tests | Page.Tests | NativeAot.Tests | Packaging.Tests) ;;
      *) unit+=("$project") ;;
    esac
  done

  tier "unit and laws" 240 "${unit[@]}"
  tier "interop" 480 Interop.Tests
  tier "simulation" 180 Simulation.Tests
  tier "end to end" 360 Client.Tests Daemon.Tests Hosting.Tests Cli.Tests
  tier "in the browser" 180 Page.Tests
  tier "as it is shipped" 240 Packaging.Tests
  tier "without a runtime" 180 NativeAot.Tests
  tier "through translators" 300 Nat.Tests
  say "== $((SECONDS - begun)) s in all"
  finish
}

# ---- the other verbs ----

run_demo() {
  need_dotnet
  need_sodium
  if has_node && install_js; then
    export HYPERACTORS_JS_PEER=$PWD/$js/peer.js
  else
    say "$no_node; the demo leaves its last step out"
  fi

  ./hyperactors demo "$@"
}

run_pack() {
  need_dotnet
  rm -rf artifacts/packages
  dotnet pack src/Packages.proj -c Release -v q --nologo -o artifacts/packages "$@"
  ls artifacts/packages
}

run_publish() {
  need_dotnet
  local rid
  rid=$(own_rid)
  if [[ ${1:-} != "" && ${1:-} != -* ]]; then
    rid=$1
    shift
  fi

  if [[ $rid == "$(own_rid)" && $rid == linux-* && " $* " != *" -p:IsNative=false "* ]]; then
    need_linker || die "with -p:IsNative=false it becomes a file with its runtime inside"
  fi

  rm -rf "artifacts/publish/$rid"
  dotnet publish src/Cli/Cli.csproj -c Release -r "$rid" -v q --nologo -o "artifacts/publish/$rid" "$@" || return
  ls -l "artifacts/publish/$rid"
}

# From the start of the process until the daemon says that it is ready, eleven times, each on a new storage.
bench_publish() {
  need_sodium
  run_publish "$@"
  local file=$PWD/artifacts/publish/$(own_rid)/hyperactors folder begun run ready=() times=()
  folder=$(mktemp -d)
  for run in {1..11}; do
    begun=${EPOCHREALTIME/./}
    coproc DAEMON { cd "$folder" && exec "$file" daemon --json -s "$folder/$run" -h "bench-$$" -a 127.0.0.1:0 --set node.network.isBootstrapper=true 2>"$folder/log"; }
    local id=$DAEMON_PID
    read -r ready <&"${DAEMON[0]}" || die "the daemon did not start: $(cat "$folder/log")"
    times+=($(((${EPOCHREALTIME/./} - begun) / 1000)))
    kill -TERM "$id"
    wait "$id" || die "the daemon did not stop: $(cat "$folder/log")"
  done

  rm -rf "$folder"
  printf '%s\n' "${times[@]}" | sort -n | awk '{ t[NR] = $1 } END { printf "a node has started after %d ms (the run in the middle of %d; %d to %d)\n", t[int((NR + 1) / 2)], NR, t[1], t[NR] }'
}

run_bench() {
  need_dotnet
  if [[ ${1:-} == publish ]]; then
    bench_publish "${@:2}"
    return
  fi

  need_sodium
  has_node || die "$no_node"
  install_js || die "npm could not install the JavaScript peers"
  want_chromium
  dotnet build bench/HyperActors.Benchmarks/HyperActors.Benchmarks.csproj -c Release -v q --nologo
  dotnet bench/HyperActors.Benchmarks/bin/Release/net10.0/HyperActors.Benchmarks.dll "${@:-all}"
}

run_simulate() {
  need_dotnet
  need_sodium
  dotnet build src/Simulation/Simulation.csproj -c Release -v q --nologo
  exec dotnet src/Simulation/bin/Release/net10.0/HyperActors.Simulation.dll "$@"
}

clean() {
  find src tests bench -name node_modules -prune -o -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
  find tests bench -type d -name node_modules -prune -exec rm -rf {} +
  rm -rf artifacts
}

verb=${1:-help}
shift || true
case $verb in
  demo) run_demo "$@" ;;
  test) run_tests ;;
  bench) run_bench "$@" ;;
  pack) run_pack "$@" ;;
  publish) run_publish "$@" ;;
  simulate) run_simulate "$@" ;;
  clean) clean ;;
  help | -h | --help) help ;;
  *) help >&2; die "no verb '$verb'" ;;
esac
