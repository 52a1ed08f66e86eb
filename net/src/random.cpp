#include "tocsin/net/random.hpp"

#include <openssl/rand.h>

#include <stdexcept>

namespace tocsin::net {

void fill_random(std::span<char> bytes) {
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("the system has no random numbers");
  }
}

}  // namespace tocsin::net
