#include "tocsin/core/text_pool.hpp"

namespace tocsin::core {

TextPool::Text TextPool::take(std::string text) {
  const std::scoped_lock lock(mutex_);
  auto& known = *texts_.try_emplace(std::move(text), Use{this, 0}).first;
  ++known.second.count;
  return Text(&known);
}

std::size_t TextPool::size() const {
  const std::scoped_lock lock(mutex_);
  return texts_.size();
}

void TextPool::give_back(Texts::value_type& text) {
  const std::scoped_lock lock(mutex_);
  if (--text.second.count == 0) texts_.erase(texts_.find(text.first));
}

}  // namespace tocsin::core
