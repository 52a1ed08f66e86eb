#include "src/port_guard.hpp"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "src/offload.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::size_t longest = 1024;  // of what stands in the header
constexpr std::chrono::seconds patience{30};

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > longest) return std::nullopt;
  std::vector<unsigned char> bytes(text.size() / 4 * 3);
  const int size = ::EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  return std::string(bytes.begin(), bytes.begin() + size - static_cast<std::ptrdiff_t>(padding));
}

net::ServerResponse login_wanted() {
  net::ServerResponse response;
  response.status = 401;
  response.body = "Unauthorized\n";
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"tocsin\", charset=\"UTF-8\"");
  return response;
}

net::ServerResponse too_many() {
  net::ServerResponse response;
  response.status = 503;
  response.body = "Too many logins at a time.\n";
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace

std::optional<Login> parse_login(std::string_view authorization) {
  constexpr std::string_view scheme = "basic ";
  const bool basic = authorization.size() > scheme.size() &&
                     std::equal(scheme.begin(), scheme.end(), authorization.begin(), [](char want, char has) {
                       return want == (has >= 'A' && has <= 'Z' ? static_cast<char>(has - 'A' + 'a') : has);
                     });
  if (!basic) return std::nullopt;
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  auto text = decode_base64(authorization);
  // crypt(3) would take no notice of what stands behind a NUL.
  if (!text || text->find('\0') != std::string::npos) return std::nullopt;
  const auto colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  Login login;
  login.user = text->substr(0, colon);
  login.password = core::Secret(text->substr(colon + 1));
  ::OPENSSL_cleanse(text->data(), text->size());
  return login;
}

bool password_fits(const core::Secret& password, const core::Secret& hash) {
  const auto work = std::make_unique<::crypt_data>();  // 32 KiB
  const char* const made = ::crypt_r(password.reveal().c_str(), hash.reveal().c_str(), work.get());
  const bool fits = made != nullptr && made[0] == '$' && same(made, hash.reveal());
  ::OPENSSL_cleanse(work.get(), sizeof *work);
  return fits;
}

PortGuard::PortGuard(net::Loop& loop, net::BlockingPool& pool) : loop_(loop), pool_(pool), salt_(32, '\0') {
  if (::RAND_bytes(reinterpret_cast<unsigned char*>(salt_.data()), static_cast<int>(salt_.size())) != 1)
    throw std::runtime_error("no random numbers are to be had");
}

void PortGuard::set_users(WebUsers users) {
  if (users == users_) return;
  users_ = std::move(users);
  known_.clear();
}

std::string PortGuard::digest(const Login& login, const core::Secret& hash) const {
  std::string text = salt_;
  for (const std::string* part : {&hash.reveal(), &login.user, &login.password.reveal()}) text.append(*part) += '\0';
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  const int good = ::EVP_Digest(text.data(), text.size(), bytes.data(), &size, ::EVP_sha256(), nullptr);
  ::OPENSSL_cleanse(text.data(), text.size());
  if (good != 1) throw std::runtime_error("SHA-256 is not to be had");
  return {bytes.begin(), bytes.begin() + size};
}

net::Task<PortGuard::Admission> PortGuard::admit(std::string authorization) {
  Admission admission;
  if (authorization.empty()) {  // a browser asks so first: that is no bad login
    admission.refusal = login_wanted();
    co_return admission;
  }
  std::optional<Login> login = parse_login(authorization);
  bool good = false;
  if (login) {
    const auto user = std::find_if(users_.begin(), users_.end(), [&](const auto& u) { return u.first == login->user; });
    // A name that there is not takes as long as one that there is.
    const core::Secret hash = (user == users_.end() ? users_.front() : *user).second;
    const bool exists = user != users_.end();
    const std::string mark = digest(*login, hash);
    good = exists && std::any_of(known_.begin(), known_.end(), [&](const auto& known) { return same(known, mark); });
    if (!good) {
      std::function<bool()> work = [password = login->password, hash] { return password_fits(password, hash); };
      const std::optional<bool> fits =
          co_await offload(loop_, pool_, std::move(work), std::chrono::steady_clock::now() + patience);
      if (!fits) {
        admission.refusal = too_many();
        co_return admission;
      }
      good = *fits && exists;
      if (good) {
        known_.push_back(mark);
        if (known_.size() > most_remembered) known_.pop_front();
      }
    }
  }
  if (good) {
    admission.user = std::move(login->user);
    co_return admission;
  }
  ++refused_;
  co_await net::sleep_for(slowness);
  admission.refusal = login_wanted();
  co_return admission;
}

}  // namespace tocsin::daemon
