# Compilers, emulators and libraries for other machines. Sourced by ./dev, which calls need_NAME before it builds.

# A configuration of apt in FOLDER, whose package index is its own: nothing is installed through it.
apt_beside() {  # apt_beside FOLDER LINE...
  local folder=$1
  rm -rf "$folder"
  mkdir -p "$folder"/{lists,cache/archives}/partial "$folder/packages"
  touch "$folder/status"
  printf '%s\n' "Dir::State::Lists \"$folder/lists\";" "Dir::State::Status \"$folder/status\";" \
    "Dir::Cache \"$folder/cache\";" 'APT::Sandbox::User "";' "${@:2}" >"$folder/apt.conf"
  APT_CONFIG=$folder/apt.conf apt-get -q update
}

# A cross compiler and an emulator, and the libraries of a big-endian machine in build/s390x-root.
need_s390x() {
  local root=$PWD/build/s390x-root apt=$PWD/build/s390x-apt package
  local packages=(libzstd-dev libzstd1 libutf8proc-dev libutf8proc2 libxxhash-dev zlib1g-dev zlib1g libsimdjson-dev
    libsimdjson14 libgtest-dev libssl-dev libssl3)
  install_packages g++-s390x-linux-gnu qemu-user
  [[ -f $root/stamp ]] && return
  rm -rf "$root"
  mkdir -p "$root"
  apt_beside "$apt" 'APT::Architecture "s390x";' 'APT::Architectures { "s390x"; };'
  (cd "$apt/packages" && APT_CONFIG=$apt/apt.conf apt-get -q download "${packages[@]}")
  for package in "$apt"/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
  touch "$root/stamp"
}

# A cross compiler for Windows and wine, and libraries for Windows in build/mingw-root. Debian has only their sources.
need_mingw() {
  local root=$PWD/build/mingw-root apt=$PWD/build/mingw-apt sources file name
  local gcc=x86_64-w64-mingw32-gcc-posix gxx=x86_64-w64-mingw32-g++-posix ar=x86_64-w64-mingw32-ar
  install_packages g++-mingw-w64-x86-64-posix libz-mingw-w64-dev wine wine64 googletest
  [[ -f $root/stamp ]] && return
  rm -rf "$root"
  mkdir -p "$root"/{include,obj,lib/pkgconfig,lib/cmake/fmt,lib/cmake/CLI11}
  # The sources come from where the packages come from.
  sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$root/sources.sources"
  apt_beside "$apt" "Dir::Etc::SourceList \"/dev/null\";" "Dir::Etc::SourceParts \"$root\";"
  sources=$apt/packages
  (cd "$sources" && APT_CONFIG=$apt/apt.conf apt-get -q source --download-only libzstd utf8proc simdjson)
  for file in "$sources"/*.orig.tar.?z; do
    name=$(basename "${file%%_*}")
    mkdir -p "$sources/$name"
    tar -xf "$file" -C "$sources/$name" --strip-components 1
  done
  for file in "$sources"/libzstd/lib/{common,compress,decompress}/*.c; do
    $gcc -O2 -DZSTD_DISABLE_ASM -c "$file" -o "$root/obj/zstd_$(basename "$file" .c).o"
  done
  $gcc -O2 -DUTF8PROC_STATIC -c "$sources/utf8proc/utf8proc.c" -o "$root/obj/utf8proc_all.o"
  $gxx -O2 -std=c++17 -I"$sources/simdjson/include" -I"$sources/simdjson/src" \
    -c "$sources/simdjson/src/simdjson.cpp" -o "$root/obj/simdjson_all.o"
  $gxx -O1 -std=c++17 -I/usr/src/googletest/googletest{,/include} \
    -c /usr/src/googletest/googletest/src/gtest-all.cc -o "$root/obj/gtest_all.o"
  $gxx -O1 -std=c++17 -I/usr/src/googletest/googletest/include \
    -c /usr/src/googletest/googletest/src/gtest_main.cc -o "$root/obj/gtest_main.o"
  for name in zstd utf8proc simdjson; do $ar rcs "$root/lib/lib$name.a" "$root/obj/${name}"_*.o; done
  $ar rcs "$root/lib/libgtest.a" "$root/obj/gtest_all.o"
  $ar rcs "$root/lib/libgtest_main.a" "$root/obj/gtest_main.o"
  cp -r "$sources"/libzstd/lib/zstd{,_errors}.h "$sources/utf8proc/utf8proc.h" "$sources"/simdjson/include/* \
    /usr/src/googletest/googletest/include/gtest /usr/include/{xxhash.h,fmt,CLI} "$root/include/"
  for name in libzstd:zstd libutf8proc:utf8proc simdjson:simdjson; do
    printf '%s\n' "Name: ${name%:*}" 'Description: built for Windows' 'Version: 0' "Libs: -L$root/lib -l${name#*:}" \
      "Cflags: -I$root/include $([[ $name != libutf8proc* ]] || echo -DUTF8PROC_STATIC)" >"$root/lib/pkgconfig/${name%:*}.pc"
  done
  printf '%s\n' 'add_library(fmt::fmt INTERFACE IMPORTED)' \
    "target_include_directories(fmt::fmt INTERFACE $root/include)" \
    'target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)' \
    'add_library(fmt::fmt-header-only ALIAS fmt::fmt)' >"$root/lib/cmake/fmt/fmt-config.cmake"
  printf '%s\n' 'add_library(CLI11::CLI11 INTERFACE IMPORTED)' \
    "target_include_directories(CLI11::CLI11 INTERFACE $root/include)" >"$root/lib/cmake/CLI11/CLI11Config.cmake"
  touch "$root/stamp"
}
