# Writes a C++ file with the text of every pack: tocsin::rules::packs().
set(body "")
foreach(pack IN LISTS PACKS)
  get_filename_component(name ${pack} NAME_WE)
  file(READ ${pack} text)
  string(APPEND body "    {\"${name}\", R\"PACK(${text})PACK\"},\n")
endforeach()
file(WRITE ${OUT} "// Generated from rules/packs/*.yml.
#include \"tocsin/rules/packs.hpp\"
namespace tocsin::rules {
std::span<const Pack> packs() {
  static constexpr Pack all[] = {
${body}    {\"\", \"\"}};
  return std::span<const Pack>(all).first(std::size(all) - 1);
}
}  // namespace tocsin::rules
")
