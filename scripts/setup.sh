# Installs what ./dev needs. Each need_* leaves a stamp of what it installed, so that the next call is quick.

stamp_is() { [[ -f $1 && $(<"$1") == "$2" ]]; }
digest_of() { find "$@" -type f ! -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum; }

install_packages() {  # install_packages PACKAGE... installs those that are missing
  local package missing=() root=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || root=(sudo)
  echo "Installing ${missing[*]}"
  "${root[@]}" apt-get -q update </dev/null
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install -y --no-install-recommends "${missing[@]}" </dev/null
}

need_packages() {
  local wanted stamp=build/stamps/packages hash
  hash=$(digest_of scripts/packages.txt)
  stamp_is "$stamp" "$hash" && return
  mapfile -t wanted < <(grep -v '^#' scripts/packages.txt)
  if ! command -v apt-get >/dev/null; then
    echo "There is no apt-get here. Install these packages, given by their Debian names: ${wanted[*]}"
    return
  fi
  install_packages "${wanted[@]}"
  mkdir -p build/stamps
  echo "$hash" >"$stamp"
}

pip_into() { "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "${@:2}"; }

need_venv() {
  local hash
  hash=$(digest_of scripts/requirements.txt)
  stamp_is .venv/stamp "$hash" && return
  echo "Installing Python packages into .venv"
  [[ -x .venv/bin/python ]] || python3 -m venv .venv
  pip_into .venv -r scripts/requirements.txt
  echo "$hash" >.venv/stamp
}

# Runs a command that compiles with ninja. Shows its progress on a terminal, and its output if it fails.
with_ninja_progress() {
  local log=build/setup.log line
  [[ -t 1 ]] || { "$@" >"$log" 2>&1 || { cat "$log"; return 1; }; return; }
  if "$@" 2>&1 | tee "$log" | while IFS= read -r line; do
    [[ ! $line =~ \[[0-9]+/[0-9]+\] ]] || printf '\r  %s ' "${BASH_REMATCH[0]}"
  done; then
    printf '\r\e[K'
  else
    printf '\n'
    cat "$log"
    return 1
  fi
}

# Installs the package as a user gets it, and builds it again after a source has changed. It keeps its build folder, so
# this is quick.
need_python_package() {
  local hash
  need_venv
  hash=$(digest_of pyproject.toml CMakeLists.txt cmake src include cli python scripts/requirements.txt)
  stamp_is .venv/stamp-ztensor "$hash" && return
  echo "Compiling ztensor and installing it into .venv: some minutes, the first time"
  with_ninja_progress .venv/bin/python -m pip install --verbose --disable-pip-version-check --no-input \
    --no-build-isolation --config-settings build-dir=build/python \
    --config-settings cmake.define.CMAKE_COMPILE_WARNING_AS_ERROR=ON '.[test]'
  echo "$hash" >.venv/stamp-ztensor
}

# Installs released versions, each in its own environment. Tests exchange files with them. A version that cannot be
# installed here is left out.
need_peers() {
  local version folder
  export ZTENSOR_PEERS=$PWD/.venvs
  for version in 0.1.4 1.0.1 1.1.1 1.2.3 2.1.2; do
    folder=.venvs/zt-$version
    [[ -f $folder/stamp ]] && continue
    echo "Installing ztensor $version into $folder"
    if python3 -m venv "$folder" && pip_into "$folder" "ztensor==$version" numpy scipy ml_dtypes; then
      touch "$folder/stamp"
    else
      echo "ztensor $version could not be installed: no files are exchanged with it"
      rm -rf "$folder"
    fi
  done
}

# An environment with JAX and without torch. It has the package as it is installed in .venv. Where JAX cannot be
# installed, there is no environment.
need_jax() {
  local folder=.venvs/jax packages
  if [[ ! -f $folder/stamp ]]; then
    echo "Installing jax into $folder"
    if python3 -m venv "$folder" && pip_into "$folder" jax numpy ml_dtypes safetensors hypothesis pytest; then
      touch "$folder/stamp"
    else
      echo "jax could not be installed: its tests do not run"
      rm -rf "$folder"
      return 0
    fi
  fi
  packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  ln -sfn "$(.venv/bin/python -c 'import ztensor; print(ztensor.__path__[0])')" "$packages/ztensor"
}
