# Writes a C++ file that holds the text of files. -DOUT=file -DNAMESPACE=ns -DHEADER=header -DTYPE=Type -DFUNCTION=name -DFILES=a;b
# The header declares `struct TYPE { std::string_view name; std::string_view text; }` and `std::span<const TYPE> FUNCTION()`.
set(body "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND body "    {\"${name}\", R\"TEXT(${text})TEXT\"},\n")
endforeach()
file(WRITE ${OUT} "// Generated.
#include \"${HEADER}\"

#include <iterator>
namespace ${NAMESPACE} {
std::span<const ${TYPE}> ${FUNCTION}() {
  static constexpr ${TYPE} all[] = {
${body}    {\"\", \"\"}};
  return std::span<const ${TYPE}>(all).first(std::size(all) - 1);
}
}  // namespace ${NAMESPACE}
")
