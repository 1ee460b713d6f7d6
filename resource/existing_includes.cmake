# Interface packages built elsewhere (the PyPI wheels) export the Python include directory of the
# machine that built them. CMake refuses an imported target with a directory that does not exist,
# although nothing of ours includes from it. To be called after find_package().
function(keep_existing_includes)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(directories)
      set(existing "")
      foreach(directory IN LISTS directories)
        if(directory MATCHES "^\\$<" OR EXISTS "${directory}")
          list(APPEND existing "${directory}")
        endif()
      endforeach()
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${existing}")
    endif()
  endforeach()
endfunction()
