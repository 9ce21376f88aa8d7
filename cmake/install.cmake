# What `cmake --install` puts where: headers, both libraries, the command with its manual pages and completions, and what
# find_package(ztensor) and pkg-config look for. find_package gives ztensor::ztensor (static) and ztensor::shared.
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
  if(NOT CMAKE_CROSSCOMPILING)  # the command itself prints these
    set(zt_pages ${PROJECT_BINARY_DIR}/share)
    add_custom_command(OUTPUT ${zt_pages}/man/man1/ztensor.1 VERBATIM
      COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:ztensor_cli> -DFOLDER=${zt_pages} -P ${CMAKE_CURRENT_LIST_DIR}/pages.cmake
      DEPENDS ztensor_cli ${CMAKE_CURRENT_LIST_DIR}/pages.cmake)
    add_custom_target(ztensor_pages ALL DEPENDS ${zt_pages}/man/man1/ztensor.1)
    install(DIRECTORY ${zt_pages}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
    install(DIRECTORY ${zt_pages}/bash-completion ${zt_pages}/fish ${zt_pages}/zsh DESTINATION ${CMAKE_INSTALL_DATADIR})
  endif()
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ztensor-config.cmake.in
  ${PROJECT_BINARY_DIR}/ztensor-config.cmake INSTALL_DESTINATION ${zt_config_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ztensor-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ztensor-config.cmake ${PROJECT_BINARY_DIR}/ztensor-config-version.cmake
  DESTINATION ${zt_config_folder})

set(zt_pc_dl "")
if(CMAKE_DL_LIBS)
  set(zt_pc_dl " -l${CMAKE_DL_LIBS}")
endif()
set(zt_pc_requires "libzstd, libutf8proc")  # of the static library: pkg-config --static
if(ZTENSOR_FOREIGN)
  string(APPEND zt_pc_requires ", zlib")
endif()
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
