#include "src/promql/node.hpp"

namespace tocsin::rules::promql {

bool Context::fail(std::string message, EvalError::Kind kind) {
  error = {kind, std::move(message)};
  return false;
}

bool Context::too_many() {
  return fail("query processing would load too many samples into memory in query execution",
              EvalError::Kind::too_many_samples);
}

bool Context::still_in_time() {
  ticks_ = 0;
  if (!limits.expired || !limits.expired()) return true;
  return fail("query timed out in expression evaluation", EvalError::Kind::timeout);
}

bool Node::eval(Context& context, Millis at) {
  if (pass_ == context.pass && (invariant_ || at_ == at)) return context.take(points_.size());
  const std::size_t before = context.used();
  pass_ = 0;
  points_.clear();
  if (!context.tick() || !run(context, at)) return false;
  pass_ = context.pass;
  at_ = at;
  // What it took to get here is not held any more; the result is.
  context.release_to(before);
  return context.take(points_.size());
}

}  // namespace tocsin::rules::promql
