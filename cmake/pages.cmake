# Writes the manual pages and the completion scripts of the command PROGRAM into FOLDER, laid out as share/ is.
file(REMOVE_RECURSE ${FOLDER})
function(write_output file)  # write_output FILE WORD...
  execute_process(COMMAND ${PROGRAM} completion ${ARGN} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  file(WRITE ${FOLDER}/${file} "${text}")
  set(text "${text}" PARENT_SCOPE)
endfunction()

write_output(bash-completion/completions/ztensor bash)
write_output(zsh/site-functions/_ztensor zsh)
write_output(fish/vendor_completions.d/ztensor.fish fish)
write_output(man/man1/ztensor.1 man)
string(REGEX MATCHALL "ztensor\\\\-[a-z]+" pages "${text}")
foreach(page IN LISTS pages)
  string(REPLACE "ztensor\\-" "" command ${page})
  write_output(man/man1/ztensor-${command}.1 man ${command})
endforeach()
