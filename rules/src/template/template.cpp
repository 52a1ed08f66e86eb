#include "tocsin/rules/template.hpp"

#include "executor.hpp"
#include "tree.hpp"

namespace tocsin::rules {
namespace {

// Prometheus puts the same declarations before every template; positions in error messages count them.
constexpr std::string_view declarations =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

}  // namespace

struct Template::Impl {
  std::string literal;  // the text itself where there is nothing to expand
  bool expands = false;
  tmpl::Tree tree;
};

Template::Template(std::string_view text, std::string_view name) : impl_(std::make_unique<Impl>()) {
  impl_->expands = text.find("{{") != std::string_view::npos;
  if (impl_->expands) {
    impl_->tree = tmpl::parse(std::string(name), std::string(declarations) + std::string(text));
  } else {
    impl_->literal = text;
  }
}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::expand(const TemplateData& data) const {
  if (!impl_->expands) return impl_->literal;
  try {
    return tmpl::Executor(impl_->tree, data).run();
  } catch (const tmpl::ExpandError& e) {
    return "<error expanding template: error executing template " + impl_->tree.name + ": " + e.what() + ">";
  }
}

}  // namespace tocsin::rules
