# What `cmake --install` puts where, so that find_package(ztensor) gives ztensor::ztensor.
include(CMakePackageConfigHelpers)

set(zt_config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/ztensor)
install(TARGETS ztensor EXPORT ztensor-targets)
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
