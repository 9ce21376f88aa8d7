# The stages of `./dev package`: what is handed to users, made and tried. Results are in dist/.

need_package_venv() {
  local folder=.venvs/package hash
  hash=$(digest_of scripts/package-requirements.txt)
  stamp_is "$folder/stamp" "$hash" && return
  echo "Installing Python packages into $folder"
  [[ -x $folder/bin/python ]] || python3 -m venv "$folder"
  pip_into "$folder" -r scripts/package-requirements.txt
  echo "$hash" >"$folder/stamp"
}

# A wheel is built from the unpacked sdist, so a file that the sdist lacks is noticed here. The wheel then gets the
# libraries that it needs, except those that every Linux has. ZT_PYTHON names the Python that it is for.
package_wheel() {
  local work=$PWD/build/package/wheel tools=$PWD/.venvs/package/bin sdist wheel
  need_package_venv
  rm -rf "$work"
  mkdir -p "$work" dist
  "$tools/python" -m build --sdist --outdir "$work" . >"$work/sdist.log" 2>&1 || { cat "$work/sdist.log"; return 1; }
  sdist=$(echo "$work"/*.tar.gz)
  tar -xzf "$sdist" -C "$work"
  echo "Building a wheel from $(basename "$sdist"): some minutes, the first time"
  "${ZT_PYTHON:-python3}" -m venv "$work/venv"
  CCACHE_BASEDIR=$work "$work/venv/bin/python" -m pip wheel --disable-pip-version-check --no-input --no-deps --verbose \
    --config-settings build-dir="$work/build" \
    --config-settings cmake.define.ZTENSOR_STATIC_DEPENDENCIES=ON \
    --wheel-dir "$work/built" "${sdist%.tar.gz}" >"$work/wheel.log" 2>&1 || { tail -n 80 "$work/wheel.log"; return 1; }
  PATH=$tools:$PATH "$tools/auditwheel" repair -z 9 --wheel-dir "$work/repaired" "$work"/built/*.whl \
    >"$work/repair.log" 2>&1 || { cat "$work/repair.log"; return 1; }
  wheel=$(echo "$work"/repaired/*.whl)
  "$tools/python" scripts/check_wheel "$wheel"
  check_installed_wheel "$work/venv" "$wheel"
  cp "$sdist" "$wheel" dist
}

check_installed_wheel() {  # check_installed_wheel ENVIRONMENT WHEEL
  local smoke=$PWD/scripts/smoke.py
  pip_into "$1" --only-binary :all: "$2"
  # Neither our sources nor another ztensor may be found, so it runs elsewhere, and with the command of the wheel.
  (cd "$1" && PATH=$1/bin:/usr/bin:/bin "$1/bin/python" -I "$smoke")
}

# A Debian package is unpacked into a scratch root, where its command and its library are used, and then installed and
# removed there by dpkg.
package_deb() {
  local work=$PWD/build/package/deb deb root
  need_packages
  mkdir -p "$work" dist
  rm -rf "$work"/*.deb "$work/unpacked" "$work/root"
  cmake -S . -B "$work" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DZTENSOR_TESTS=OFF \
    -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=12 >"$work/configure.log" 2>&1 ||
    { cat "$work/configure.log"; return 1; }
  cmake --build "$work" --parallel "$(nproc)"
  (cd "$work" && cpack -G DEB) >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log"; return 1; }
  deb=$(echo "$work"/*.deb)
  dpkg-deb --field "$deb" Package Version Depends
  check_unpacked_deb "$deb" "$work/unpacked"
  check_dpkg "$deb" "$work/root" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; return 1; }
  echo "dpkg installed and removed it, and nothing is left"
  cp "$deb" dist
  printf '%s: %d bytes\n' "$(basename "$deb")" "$(stat -c %s "$deb")"
}

check_unpacked_deb() {  # check_unpacked_deb DEB FOLDER
  local libraries
  dpkg-deb --extract "$1" "$2"
  libraries=$(dirname "$(find "$2" -name libztensor.so)")
  "$2/usr/bin/ztensor" --version
  "$2/usr/bin/ztensor" verify tests/golden/1.2.3/digests.zt >/dev/null
  # examples/map.c is compiled with the headers and the ztensor.pc of the package.
  # shellcheck disable=SC2046
  cc examples/map.c -o "$2/map" $(PKG_CONFIG_PATH=$libraries/pkgconfig pkg-config --cflags --libs ztensor)
  LD_LIBRARY_PATH=$libraries "$2/map" tests/golden/1.2.3/digests.zt >/dev/null
  echo "unpacked: the command and a program in C run"
}

check_dpkg() {  # check_dpkg DEB ROOT
  local dpkg=(dpkg --root="$2" --force-not-root --force-depends --log=/dev/null) left
  mkdir -p "$2"/var/lib/dpkg/{info,updates}
  touch "$2"/var/lib/dpkg/status
  "${dpkg[@]}" --install "$1" || return
  [[ -x $2/usr/bin/ztensor ]] || return
  "${dpkg[@]}" --purge ztensor || return
  left=$(find "$2" -mindepth 1 -path "$2/var" -prune -o -print)
  [[ -z $left ]] || { printf 'dpkg left these behind:\n%s\n' "$left"; return 1; }
}
