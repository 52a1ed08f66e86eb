#include "http2_session.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>
#include <vector>

#include "tocsin/core/number.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;

namespace {

constexpr std::size_t one_output = 64 * 1024;
constexpr std::uint32_t window = 1024 * 1024;  // how much of a body may be under way

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// Headers of one connection, which HTTP/2 has no use for, and those that pseudo-headers stand for.
bool left_out(std::string_view name) {
  constexpr std::array<std::string_view, 6> names{"connection",       "host",    "keep-alive",
                                                  "proxy-connection", "upgrade", "transfer-encoding"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view view(const std::uint8_t* text, std::size_t size) {
  return {reinterpret_cast<const char*>(text), size};
}

struct FreeSession {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
struct FreeCallbacks {
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};

}  // namespace

struct Http2Session::Impl {
  const HttpRequest& request;
  HttpLimits limits;
  Http2Answer& answer;
  std::unique_ptr<nghttp2_session, FreeSession> session;
  std::int32_t stream = -1;
  std::size_t body_sent = 0;
  std::size_t header_bytes = 0;  // of all that came, trailers too
  bool begun = false;
  bool final_head = false;  // the response's head is complete: what comes now are trailers
  bool done = false;
  bool greeted = false;  // a whole frame came
  std::optional<Failure> failure;

  Impl(const HttpRequest& request_, HttpLimits limits_, Http2Answer& answer_)
      : request(request_), limits(limits_), answer(answer_) {}

  void fail(Outcome outcome, std::string detail) {
    if (!failure && !done) failure = Failure{outcome, Phase::receive, std::move(detail)};
  }
  void start(std::string_view scheme);
  void submit(std::string_view scheme);
  int header(std::string_view name, std::string_view value);
  int data(std::string_view bytes);
  void head_ended();
  void closed(std::uint32_t code);

  static Impl& of(void* user) { return *static_cast<Impl*>(user); }
};

namespace {

nghttp2_nv pair(std::string_view name, std::string_view value) {
  // nghttp2 copies both; its type is not const.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

void Http2Session::Impl::start(std::string_view scheme) {
  nghttp2_session_callbacks* raw = nullptr;
  if (nghttp2_session_callbacks_new(&raw) != 0) throw std::bad_alloc();
  const std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> callbacks(raw);
  nghttp2_session_callbacks_set_on_begin_headers_callback(raw,
                                                          [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                                                            Impl& impl = of(user);
                                                            if (frame->hd.stream_id != impl.stream) return 0;
                                                            impl.begun = true;
                                                            if (!impl.final_head) impl.answer.response.headers.clear();
                                                            return 0;
                                                          });
  nghttp2_session_callbacks_set_on_header_callback(
      raw, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
        Impl& impl = of(user);
        if (frame->hd.stream_id != impl.stream) return 0;
        return impl.header(view(name, name_size), view(value, value_size));
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      raw,
      [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size, void* user) {
        Impl& impl = of(user);
        return id == impl.stream ? impl.data(view(bytes, size)) : 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      raw, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Impl& impl = of(user);
        impl.greeted = true;
        if (frame->hd.stream_id != impl.stream) return 0;
        if (frame->hd.type == NGHTTP2_HEADERS) impl.head_ended();
        const bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
        if (ends && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && impl.final_head) impl.done = !impl.failure;
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      raw, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
        Impl& impl = of(user);
        if (id == impl.stream) impl.closed(code);
        return 0;
      });
  nghttp2_session* created = nullptr;
  if (nghttp2_session_client_new(&created, raw, this) != 0) throw std::bad_alloc();
  session.reset(created);
  submit(scheme);
}

void Http2Session::Impl::submit(std::string_view scheme) {
  const std::array<nghttp2_settings_entry, 3> settings{
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)}}};
  nghttp2_submit_settings(session.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session.get(), NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(window));

  const std::string_view authority = net::header(request.headers, "Host");
  const std::string length = std::to_string(request.body.size());
  std::vector<std::string> names;
  names.reserve(request.headers.size());
  std::vector<nghttp2_nv> head{pair(":method", request.method), pair(":scheme", scheme), pair(":path", request.target)};
  if (!authority.empty()) head.push_back(pair(":authority", authority));
  for (const auto& [name, value] : request.headers) {
    names.push_back(lower(name));
    if (!left_out(names.back())) head.push_back(pair(names.back(), value));
  }
  nghttp2_data_provider body{};
  body.source.ptr = this;
  body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                          nghttp2_data_source* source, void*) -> ssize_t {
    Impl& impl = of(source->ptr);
    const std::size_t part = std::min(size, impl.request.body.size() - impl.body_sent);
    std::copy_n(impl.request.body.data() + impl.body_sent, part, into);
    impl.body_sent += part;
    if (impl.body_sent == impl.request.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(part);
  };
  const bool has_body = !request.body.empty();
  if (has_body && net::header(request.headers, "Content-Length").empty())
    head.push_back(pair("content-length", length));
  stream =
      nghttp2_submit_request(session.get(), nullptr, head.data(), head.size(), has_body ? &body : nullptr, nullptr);
  if (stream < 0) failure = Failure{Outcome::internal, Phase::send, "the request cannot be sent by HTTP/2"};
}

int Http2Session::Impl::header(std::string_view name, std::string_view value) {
  header_bytes += name.size() + value.size();
  if (header_bytes > limits.header_bytes) {
    fail(Outcome::limit, "the headers are larger than " + std::to_string(limits.header_bytes) + " bytes");
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  HttpResponse& response = answer.response;
  if (name == ":status") {
    response.status = core::parse_number<unsigned>(value).value_or(0);
    return 0;
  }
  (final_head ? answer.trailers : response.headers).emplace_back(name, value);
  if (name == "content-length" && !final_head) response.content_length = core::parse_number<std::uint64_t>(value);
  return 0;
}

int Http2Session::Impl::data(std::string_view bytes) {
  std::string& body = answer.response.body;
  if (bytes.size() > limits.body_bytes - body.size()) {
    fail(Outcome::limit, "the body is larger than " + std::to_string(limits.body_bytes) + " bytes");
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  body += bytes;
  return 0;
}

void Http2Session::Impl::head_ended() {
  if (answer.response.status >= 200) final_head = true;
}

void Http2Session::Impl::closed(std::uint32_t code) {
  if (done) return;
  if (code == NGHTTP2_NO_ERROR && final_head) {
    fail(Outcome::closed, "the peer ended the answer in the middle");
    return;
  }
  const bool full = code == NGHTTP2_ENHANCE_YOUR_CALM || code == NGHTTP2_REFUSED_STREAM;
  const bool ours = code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_FLOW_CONTROL_ERROR ||
                    code == NGHTTP2_FRAME_SIZE_ERROR || code == NGHTTP2_COMPRESSION_ERROR ||
                    code == NGHTTP2_HTTP_1_1_REQUIRED;
  fail(full   ? Outcome::throttled
       : ours ? Outcome::protocol
              : Outcome::closed,
       std::string("the HTTP/2 stream was reset: ") + nghttp2_http2_strerror(code));
}

Http2Session::Http2Session(const HttpRequest& request, std::string_view scheme, HttpLimits limits, Http2Answer& answer)
    : impl_(std::make_unique<Impl>(request, limits, answer)) {
  answer = Http2Answer();
  answer.response.version = 20;
  impl_->start(scheme);
}

Http2Session::~Http2Session() = default;

std::string Http2Session::output() {
  std::string out;
  while (out.size() < one_output) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(impl_->session.get(), &bytes);
    if (size < 0) impl_->fail(Outcome::internal, nghttp2_strerror(static_cast<int>(size)));
    if (size <= 0) break;
    out += view(bytes, static_cast<std::size_t>(size));
  }
  return out;
}

void Http2Session::feed(std::string_view bytes) {
  if (impl_->failure || impl_->done) return;
  const bool greeted = impl_->greeted;
  const ssize_t taken =
      nghttp2_session_mem_recv(impl_->session.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) {
    impl_->fail(Outcome::protocol, greeted || impl_->greeted ? std::string("the answer is not HTTP/2: ") +
                                                                   nghttp2_strerror(static_cast<int>(taken))
                                                             : "the peer does not speak HTTP/2");
  }
}

bool Http2Session::begun() const { return impl_->begun; }
std::size_t Http2Session::answered() const { return impl_->header_bytes + impl_->answer.response.body.size(); }
bool Http2Session::done() const { return impl_->done; }

std::optional<core::Failure> Http2Session::failure() const {
  if (impl_->failure || impl_->done) return impl_->failure;
  nghttp2_session* session = impl_->session.get();
  if (nghttp2_session_want_read(session) != 0 || nghttp2_session_want_write(session) != 0) return std::nullopt;
  return Failure{Outcome::protocol, Phase::receive,
                 impl_->greeted ? "the peer broke the rules of HTTP/2" : "the peer does not speak HTTP/2"};
}

}  // namespace tocsin::net
