#include "src/promql/functions.hpp"

#include <algorithm>
#include <array>

namespace tocsin::rules::promql {
namespace {

using T = ValueType;
constexpr std::array<T, 1> v{T::vector};
constexpr std::array<T, 1> m{T::matrix};
constexpr std::array<T, 1> s{T::scalar};
constexpr std::array<T, 2> vs{T::vector, T::scalar};
constexpr std::array<T, 3> vss{T::vector, T::scalar, T::scalar};
constexpr std::array<T, 3> mss{T::matrix, T::scalar, T::scalar};
constexpr std::array<T, 2> two_scalars{T::scalar, T::scalar};
constexpr std::array<T, 2> sv{T::scalar, T::vector};
constexpr std::array<T, 2> sm{T::scalar, T::matrix};
constexpr std::array<T, 2> ms{T::matrix, T::scalar};
constexpr std::array<T, 3> ssv{T::scalar, T::scalar, T::vector};
constexpr std::array<T, 5> replace{T::vector, T::string, T::string, T::string, T::string};
constexpr std::array<T, 4> join{T::vector, T::string, T::string, T::string};
constexpr std::array<T, 2> vstr{T::vector, T::string};
constexpr std::array<T, 4> quantiles{T::vector, T::string, T::scalar, T::scalar};
constexpr std::array<T, 2> vv{T::vector, T::vector};
constexpr std::span<const T> none{};

// Sorted by name.
constexpr std::array functions{
    Signature{"abs", v},
    Signature{"absent", v},
    Signature{"absent_over_time", m},
    Signature{"acos", v},
    Signature{"acosh", v},
    Signature{"asin", v},
    Signature{"asinh", v},
    Signature{"atan", v},
    Signature{"atanh", v},
    Signature{"avg_over_time", m},
    Signature{"ceil", v},
    Signature{"changes", m},
    Signature{"clamp", vss},
    Signature{"clamp_max", vs},
    Signature{"clamp_min", vs},
    Signature{"cos", v},
    Signature{"cosh", v},
    Signature{"count_over_time", m},
    Signature{"day_of_month", v, 1},
    Signature{"day_of_week", v, 1},
    Signature{"day_of_year", v, 1},
    Signature{"days_in_month", v, 1},
    Signature{"deg", v},
    Signature{"delta", m},
    Signature{"deriv", m},
    Signature{"double_exponential_smoothing", mss, 0, T::vector, true},
    Signature{"exp", v},
    Signature{"first_over_time", m},
    Signature{"floor", v},
    Signature{"histogram_avg", v},
    Signature{"histogram_count", v},
    Signature{"histogram_fraction", ssv},
    Signature{"histogram_quantile", sv},
    Signature{"histogram_quantiles", quantiles, -1, T::vector, true},
    Signature{"histogram_stddev", v},
    Signature{"histogram_stdvar", v},
    Signature{"histogram_sum", v},
    Signature{"hour", v, 1},
    Signature{"idelta", m},
    Signature{"increase", m},
    Signature{"info", vv, 1, T::vector, true},
    Signature{"irate", m},
    Signature{"label_join", join, -1},
    Signature{"label_replace", replace},
    Signature{"last_over_time", m},
    Signature{"ln", v},
    Signature{"log10", v},
    Signature{"log2", v},
    Signature{"mad_over_time", m, 0, T::vector, true},
    Signature{"max_of", two_scalars, 0, T::scalar, true},
    Signature{"max_over_time", m},
    Signature{"min_of", two_scalars, 0, T::scalar, true},
    Signature{"min_over_time", m},
    Signature{"minute", v, 1},
    Signature{"month", v, 1},
    Signature{"pi", none, 0, T::scalar},
    Signature{"predict_linear", ms},
    Signature{"present_over_time", m},
    Signature{"quantile_over_time", sm},
    Signature{"rad", v},
    Signature{"range", none, 0, T::scalar, true},
    Signature{"rate", m},
    Signature{"resets", m},
    Signature{"round", vs, 1},
    Signature{"scalar", v, 0, T::scalar},
    Signature{"sgn", v},
    Signature{"sin", v},
    Signature{"sinh", v},
    Signature{"sort", v},
    Signature{"sort_by_label", vstr, -1, T::vector, true},
    Signature{"sort_by_label_desc", vstr, -1, T::vector, true},
    Signature{"sort_desc", v},
    Signature{"sqrt", v},
    Signature{"start_timestamp", v, 0, T::vector, true},
    Signature{"stddev_over_time", m},
    Signature{"stdvar_over_time", m},
    Signature{"step", none, 0, T::scalar, true},
    Signature{"sum_over_time", m},
    Signature{"tan", v},
    Signature{"tanh", v},
    Signature{"time", none, 0, T::scalar},
    Signature{"timestamp", v},
    Signature{"ts_of_first_over_time", m, 0, T::vector, true},
    Signature{"ts_of_last_over_time", m, 0, T::vector, true},
    Signature{"ts_of_max_over_time", m, 0, T::vector, true},
    Signature{"ts_of_min_over_time", m, 0, T::vector, true},
    Signature{"vector", s},
    Signature{"year", v, 1},
};

}  // namespace

const Signature* find_function(std::string_view name) {
  const auto it = std::lower_bound(functions.begin(), functions.end(), name,
                                   [](const Signature& f, std::string_view wanted) { return f.name < wanted; });
  return it != functions.end() && it->name == name ? &*it : nullptr;
}

std::span<const Signature> all_functions() { return functions; }

std::string_view type_name(ValueType type) {
  switch (type) {
    case ValueType::scalar:
      return "scalar";
    case ValueType::vector:
      return "instant vector";
    case ValueType::matrix:
      return "range vector";
    case ValueType::string:
      break;
  }
  return "string";
}

}  // namespace tocsin::rules::promql
