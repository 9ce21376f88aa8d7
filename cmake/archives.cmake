# With ZTENSOR_STATIC_DEPENDENCIES, a library is linked from the archive beside its shared library, if there is one. So a
# wheel carries only the code that we use. `libraries` are the paths at which the library was found.
function(zt_prefer_archive target libraries)
  if(NOT ZTENSOR_STATIC_DEPENDENCIES)
    return()
  endif()
  list(GET libraries 0 library)
  string(REGEX REPLACE "\\.so$" ".a" archive "${library}")
  if(NOT EXISTS "${archive}")
    message(STATUS "There is no ${archive}: the shared library is linked")
    return()
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL INTERFACE_LIBRARY)  # of pkg-config
    set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${archive}")
  else()
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${archive}")
  endif()
endfunction()
