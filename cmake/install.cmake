# What `cmake --install` puts where: headers, both libraries, the command, and what find_package(ztensor) and pkg-config
# look for. find_package gives ztensor::ztensor (static) and ztensor::shared.
include(CMakePackageConfigHelpers)

set(zt_config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/ztensor)
install(TARGETS ztensor EXPORT ztensor-targets)
if(TARGET ztensor_shared)
  install(TARGETS ztensor_shared EXPORT ztensor-targets)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ztensor DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT ztensor-targets NAMESPACE ztensor:: DESTINATION ${zt_config_folder})
if(TARGET ztensor_cli)
  install(TARGETS ztensor_cli)
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ztensor-config.cmake.in
  ${PROJECT_BINARY_DIR}/ztensor-config.cmake INSTALL_DESTINATION ${zt_config_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ztensor-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ztensor-config.cmake ${PROJECT_BINARY_DIR}/ztensor-config-version.cmake
  DESTINATION ${zt_config_folder})

set(zt_pc_requires "libzstd, libutf8proc, zlib")  # of the static library: pkg-config --static
if(ZTENSOR_ISAL)
  string(APPEND zt_pc_requires ", libisal")
endif()
if(ZTENSOR_OPENSSL)
  string(APPEND zt_pc_requires ", libcrypto")
endif()
if(ZTENSOR_SIMDJSON)
  string(APPEND zt_pc_requires ", simdjson")
endif()
file(RELATIVE_PATH zt_pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)  # so that the prefix may be moved
configure_file(${CMAKE_CURRENT_LIST_DIR}/ztensor.pc.in ${PROJECT_BINARY_DIR}/ztensor.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ztensor.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(PROJECT_IS_TOP_LEVEL)
  add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -P ${CMAKE_CURRENT_LIST_DIR}/uninstall.cmake)
endif()
