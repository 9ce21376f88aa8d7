"""A Conan 2 recipe: `conan create .` in this folder."""

import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy
from conan.tools.gnu import PkgConfigDeps

required_conan_version = ">=2.0"


class ZTensor(ConanFile):
    name = "ztensor"
    version = "0.1.0"
    license = "MIT"
    description = "Reads and writes .zt tensor files"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {  # noqa: RUF012
        "shared": [True, False],
        "foreign": [True, False],  # the formats of others
        "isal": [True, False],  # a faster CRC-32C
        "openssl": [True, False],  # SHA-256 digests
        "simdjson": [True, False],  # formats with JSON headers, such as safetensors
    }
    default_options = {"shared": False, "foreign": True, "isal": True, "openssl": True, "simdjson": True}  # noqa: RUF012
    exports_sources = "CMakeLists.txt", "cmake/*", "include/*", "src/*", "LICENSE"

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("zTensor needs Linux")
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("zstd/[>=1.5 <2]")
        self.requires("utf8proc/[>=2.6 <3]")
        self.requires("xxhash/[>=0.8 <1]")
        if self.options.foreign:
            self.requires("zlib/[>=1.2.11 <2]")
        if self.options.isal:
            self.requires("isa-l/[>=2.30 <3]")
        if self.options.openssl:
            self.requires("openssl/[>=3 <4]")
        if self.options.simdjson:
            self.requires("simdjson/[>=3 <4]")

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.25 <5]")
        self.tool_requires("pkgconf/[>=2 <3]")

    def generate(self):
        CMakeDeps(self).generate()
        PkgConfigDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.variables["ZTENSOR_SHARED"] = bool(self.options.shared)
        for feature in ("foreign", "isal", "openssl", "simdjson"):
            toolchain.variables[f"ZTENSOR_{feature.upper()}"] = bool(self.options.get_safe(feature))
        for part in ("CLI", "PYTHON", "TESTS"):
            toolchain.variables[f"ZTENSOR_{part}"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "ztensor")
        self.cpp_info.set_property("cmake_target_name", "ztensor::ztensor")
        self.cpp_info.set_property("pkg_config_name", "ztensor")
        self.cpp_info.libs = ["ztensor"]
        self.cpp_info.system_libs = ["pthread", "m"]
