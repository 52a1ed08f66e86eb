#include "tocsin/core/text_format.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace tocsin::core {
namespace {

using Item = TextReader::Item;

/// Everything that the reader says of a text, a line each.
std::vector<std::string> told(std::string_view text, TextFormat format = TextFormat::prometheus) {
  std::vector<std::string> lines;
  TextReader reader(text, format);
  while (true) {
    switch (reader.next()) {
      case Item::sample:
        lines.push_back(std::string(reader.series()) + " = " + std::to_string(reader.value()) +
                        (reader.timed() ? " @" : ""));
        break;
      case Item::type:
        lines.push_back("type " + std::string(reader.name()) + std::string(reader.suffix()) + " " +
                        std::string(to_string(reader.type())));
        break;
      case Item::help:
        lines.push_back("help " + std::string(reader.name()) + ": " + unescape_help(reader.text(), format));
        break;
      case Item::end:
        return lines;
      case Item::wrong:
        lines.push_back("line " + std::to_string(reader.line()) + ": " + std::string(reader.error()));
        return lines;
    }
  }
}

using Lines = std::vector<std::string>;

TEST(TextFormat, ReadsWhatExportersWrite) {
  EXPECT_EQ(
      told("# HELP http_requests_total The total number of HTTP requests.\n"
           "# TYPE http_requests_total counter\n"
           "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
           "http_requests_total{method=\"post\",code=\"400\"}    3 -1395066363000\n"
           "\n"
           "# Escaping in label values:\n"
           "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find \\\"FILE\\\"\\n}\"} "
           "1.458255915e9\n"
           "metric_without_timestamp_and_labels 12.47\n"
           "something_weird{problem=\"division by zero\"} +Inf -3982045\n"
           "#\n#comment\n"
           "  \trpc_sum\t 1.7560473e+07 \n"
           "rpc { } 1\n"
           "last 5"),
      (Lines{"help http_requests_total: The total number of HTTP requests.", "type http_requests_total counter",
             "http_requests_total{method=\"post\",code=\"200\"} = 1027.000000 @",
             "http_requests_total{method=\"post\",code=\"400\"} = 3.000000 @",
             "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find \\\"FILE\\\"\\n}\"} = "
             "1458255915.000000",
             "metric_without_timestamp_and_labels = 12.470000", "something_weird{problem=\"division by zero\"} = inf @",
             "rpc_sum = 17560473.000000", "rpc { } = 1.000000", "last = 5.000000"}));
}

TEST(TextFormat, HelpIsUnescaped) {
  EXPECT_EQ(told("# HELP a two\\nlines \\\\ \\\"q\\x\n# HELP b\n#  TYPE\tc  untyped \n"),
            (Lines{"help a: two\nlines \\ \\\"q\\x", "help b: ", "type c unknown"}));
  EXPECT_EQ(told("# HELP a \\\"q\\\"\n# EOF\n", TextFormat::openmetrics), (Lines{"help a: \"q\""}));
}

TEST(TextFormat, ReadsOpenMetrics) {
  EXPECT_EQ(told("# TYPE foo counter\n"
                 "# UNIT foo seconds\n"
                 "# HELP foo Some help.\n"
                 "foo_total{a=\"b\"} 17.0 1520879607.789 # {trace_id=\"KOO5S4vxi0o\",x=\"} # {\"} 0.67 1520879607.25\n"
                 "foo_created 1520872607.123\n"
                 "# TYPE build info\nbuild_info{v=\"1\"} 1\n"
                 "# TYPE s stateset\ns{s=\"a\"} 1\n"
                 "# TYPE h histogram\n"
                 "h_bucket{le=\"+Inf\"} 3 # {} 9\n"
                 "# TYPE u unknown\nu NaN\n"
                 "# EOF\n",
                 TextFormat::openmetrics),
            (Lines{"type foo_total counter", "help foo: Some help.", "foo_total{a=\"b\"} = 17.000000 @",
                   "foo_created = 1520872607.123000", "type build_info gauge", "build_info{v=\"1\"} = 1.000000",
                   "type s gauge", "s{s=\"a\"} = 1.000000", "type h histogram", "h_bucket{le=\"+Inf\"} = 3.000000",
                   "type u unknown", "u = nan"}));
}

TEST(TextFormat, SaysWhichLineIsWrong) {
  struct Case {
    std::string_view text;
    std::string_view said;
  };
  const Case cases[] = {
      {"a 1\nb\n", "line 2: behind the name of a metric stands neither a label nor a value"},
      {"a 1\n\n\nb \n", "line 4: a sample has no value"},
      {"a 0x12\n", "line 1: the value of a sample is no number"},
      {"a 1_000\n", "line 1: the value of a sample is no number"},
      {"a nan(1)\n", "line 1: the value of a sample is no number"},
      {"a 1e999\n", "line 1: the value of a sample is no number"},
      {"a 1\r\n", "line 1: the value of a sample is no number"},
      {"a 1 1.5\n", "line 1: the time of a sample is no number"},
      {"a 1 2 3\n", "line 1: more stands behind a sample than belongs there"},
      {"a 1 # {x=\"y\"} 1\n", "line 1: more stands behind a sample than belongs there"},
      {"a{b=\"c\" 1\n", "line 1: labels without an end"},
      {"a{b=\"c} 1\nd{e=\"f\"} 1\n", "line 1: labels without an end"},
      {"1a 1\n", "line 1: a line does not begin with the name of a metric"},
      {"<html>\n", "line 1: a line does not begin with the name of a metric"},
      {"a-b 1\n", "line 1: behind the name of a metric stands neither a label nor a value"},
      {"# TYPE a thing\n", "line 1: a TYPE that there is not"},
      {"# TYPE a gauge x\n", "line 1: a TYPE that there is not"},
      {"# TYPE a-b gauge\n", "line 1: HELP or TYPE of something that is not the name of a metric"},
  };
  for (const Case& c : cases) EXPECT_EQ(told(c.text).back(), c.said) << c.text;
  const Case open[] = {
      {"a 1\n", "line 2: the text does not end with # EOF"},
      {"", "line 1: the text does not end with # EOF"},
      {"# EOF\na 1\n", "line 1: something stands behind # EOF"},
      {"a 1\n\n# EOF\n", "line 2: an empty line"},
      {"# comment\n# EOF\n", "line 1: a comment is none of HELP, TYPE, UNIT and EOF"},
      {"a 1 # {x=\"y\"}\n# EOF\n", "line 1: more stands behind a sample than belongs there"},
  };
  for (const Case& c : open) EXPECT_EQ(told(c.text, TextFormat::openmetrics).back(), c.said) << c.text;
}

TEST(TextFormat, ValuesAreGosValues) {
  const std::pair<std::string_view, double> cases[] = {
      {"+1", 1},          {"-1.5", -1.5},      {"1e3", 1000},          {".5", 0.5},    {"5.", 5},
      {"+Inf", INFINITY}, {"-inf", -INFINITY}, {"Infinity", INFINITY}, {"1E-2", 0.01}, {"-0", -0.0}};
  for (const auto& [text, value] : cases) {
    const std::string line = "a " + std::string(text) + "\n";
    TextReader reader(line, TextFormat::prometheus);
    ASSERT_EQ(reader.next(), Item::sample) << text;
    EXPECT_EQ(reader.value(), value) << text;
  }
  const std::string line = "a NaN\n";
  TextReader reader(line, TextFormat::prometheus);
  ASSERT_EQ(reader.next(), Item::sample);
  EXPECT_TRUE(std::isnan(reader.value()));
}

TEST(TextFormat, AnExpectedSeriesIsRecognised) {
  const std::string_view text = "ab{c=\"d\"} 1\nab 2\na 3\nother 4\n";
  TextReader reader(text, TextFormat::prometheus);
  ASSERT_EQ(reader.next("ab{c=\"d\"}"), Item::sample);
  EXPECT_EQ(reader.series(), "ab{c=\"d\"}");
  // What is expected is only the beginning of what stands there.
  ASSERT_EQ(reader.next("a"), Item::sample);
  EXPECT_EQ(reader.series(), "ab");
  ASSERT_EQ(reader.next("ab"), Item::sample);
  EXPECT_EQ(reader.series(), "a");
  ASSERT_EQ(reader.next("another_long_name_beyond_the_end_of_the_text"), Item::sample);
  EXPECT_EQ(reader.series(), "other");
  EXPECT_EQ(reader.value(), 4);
}

TEST(TextFormat, ParsesSeries) {
  const auto labels = parse_series("m{b=\"x\\\\y\\\"z\\n\\q\" , a = \"é\",empty=\"\",}");
  ASSERT_TRUE(labels) << labels.error().detail;
  EXPECT_EQ(*labels, (Labels{{"__name__", "m"}, {"a", "é"}, {"b", "x\\y\"z\n\\q"}}));
  EXPECT_EQ(*parse_series("a:b"), (Labels{{"__name__", "a:b"}}));
  EXPECT_EQ(*parse_series("a {}"), (Labels{{"__name__", "a"}}));
  for (const std::string_view bad :
       {"", "m{a}", "m{a=b}", "m{a=\"b\" c=\"d\"}", "m{a=\"b\",,}", "m{,}", "m{a=\"b\",a=\"c\"}", "m{1=\"b\"}",
        "m{a:b=\"b\"}", "m{__name__=\"x\"}", "m{a=\"\xff\"}", "m{a=\"\xed\xa0\x80\"}", "m{\"q\"=\"b\"}"}) {
    const auto result = parse_series(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().outcome, Outcome::protocol) << bad;
  }
  std::string many = "m{";
  for (int i = 0; i < 200; ++i) many += "l" + std::to_string(i) + "=\"v\",";
  EXPECT_EQ(parse_series(many + "}").error().outcome, Outcome::limit);
}

TEST(TextFormat, TheContentTypeSaysTheFormat) {
  EXPECT_EQ(text_format_of("application/openmetrics-text; version=1.0.0; charset=utf-8"), TextFormat::openmetrics);
  EXPECT_EQ(text_format_of("application/OpenMetrics-text ;version=0.0.1"), TextFormat::openmetrics);
  EXPECT_EQ(text_format_of("text/plain; version=0.0.4"), TextFormat::prometheus);
  EXPECT_EQ(text_format_of(""), TextFormat::prometheus);
}

}  // namespace
}  // namespace tocsin::core
