#include "src/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "src/manual.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::daemon {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

/// What a shell says, line by line, and how it ended.
struct Said {
  int status = -1;
  std::vector<std::string> lines;
};

Said ask(const std::string& command) {
  Said said;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return said;
  std::array<char, 4096> line{};
  while (fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) {
    std::string text(line.data());
    while (text.ends_with('\n')) text.pop_back();
    said.lines.push_back(std::move(text));
  }
  const int status = pclose(pipe);
  said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

bool installed(const std::string& program) { return ask("command -v " + program).status == 0; }

/// A small program with one of everything.
class Outline : public testing::Test {
 protected:
  CLI::App app{"Rings when it's time."};
  std::string file = "/etc/bell.yml", folder, level = "info", shape, url;
  std::vector<std::string> files;
  bool loud = false;

  void SetUp() override {
    app.name("tocsin");
    auto* run = app.add_subcommand("run", "Run it, and don't stop");
    run->add_option("--config", file, "The file")->type_name("FILE")->capture_default_str();
    run->add_option("--data-dir", folder, "The folder")->type_name("FOLDER");
    run->add_option("--level", level, "How much")->check(CLI::IsMember({"debug", "info"}));
    run->add_option("--url", url, "Where: there")->type_name("URL");
    auto* check = app.add_subcommand("check", "Look at files");
    check->add_option("FILE", files, "What is looked at")->required();
    check->add_flag("-T,--print", loud, "Say what was read");
    auto* actions = app.add_subcommand("actions", "About actions");
    actions->add_subcommand("approve", "Let one run");
    actions->add_subcommand("shape", "Of a kind")->add_option("KIND", shape, "Kind")->check(CLI::IsMember({"round"}));
  }

  OutlinedCommand program() const { return outline(app); }

  std::string write(const std::string& shell) const { return folder_.write(shell, completion(program(), shell)); }

  /// What bash offers after these words.
  std::vector<std::string> bash(const std::vector<std::string>& words) const {
    std::string array;
    for (const std::string& word : words) array += " '" + word + "'";
    return ask("bash -uc 'cd \"" + std::string(folder_.path()) + "\"; source \"$0\"; COMP_WORDS=(" +
               "\"${@}\"); COMP_CWORD=$(($# - 1)); _tocsin; printf \"%s\\n\" \"${COMPREPLY[@]}\"' '" + write("bash") +
               "' tocsin" + array)
        .lines;
  }

  TempDir folder_;
};

TEST_F(Outline, SaysWhatThereIs) {
  const OutlinedCommand all = program();
  ASSERT_EQ(all.commands.size(), 3U);
  const OutlinedCommand& run = all.commands[0];
  EXPECT_EQ(run.path, "tocsin run");
  ASSERT_EQ(run.options.size(), 5U) << "--help is one";
  EXPECT_EQ(run.options[1].value, "FILE");
  EXPECT_EQ(run.options[1].fallback, "/etc/bell.yml");
  EXPECT_THAT(run.options[3].choices, ElementsAre("debug", "info"));
  const OutlinedCommand& check = all.commands[1];
  ASSERT_EQ(check.arguments.size(), 1U);
  EXPECT_TRUE(check.arguments[0].takes_file());
  EXPECT_TRUE(check.arguments[0].required);
  EXPECT_TRUE(check.arguments[0].many);
  EXPECT_THAT(check.options[1].names, ElementsAre("-T", "--print"));
  EXPECT_EQ(check.options[1].value, "") << "a switch";
  EXPECT_EQ(all.commands[2].commands[0].path, "tocsin actions approve");
}

TEST_F(Outline, BashCompletes) {
  EXPECT_THAT(bash({""}), ElementsAre("run", "check", "actions"));
  EXPECT_THAT(bash({"r"}), ElementsAre("run"));
  EXPECT_THAT(bash({"run", "--l"}), ElementsAre("--level"));
  EXPECT_THAT(bash({"run", "--level", ""}), ElementsAre("debug", "info"));
  EXPECT_THAT(bash({"run", "--level", "=", "d"}), ElementsAre("debug"));
  EXPECT_THAT(bash({"run", "--level", "="}), ElementsAre("debug", "info"));
  EXPECT_THAT(bash({"actions", ""}), ElementsAre("approve", "shape"));
  EXPECT_THAT(bash({"actions", "shape", ""}), ElementsAre("round"));
  EXPECT_THAT(bash({"check", "-"}), IsSupersetOf({"-T", "--print", "--help"}));
}

TEST_F(Outline, BashCompletesFiles) {
  folder_.write("one thing.yml", "");
  folder_.write("other.txt", "");
  EXPECT_THAT(bash({"check", "o"}), UnorderedElementsAre("one thing.yml", "other.txt"));
  EXPECT_THAT(bash({"run", "--config", "one"}), ElementsAre("one thing.yml"));
  EXPECT_THAT(bash({"run", "--data-dir", "o"}), Not(::testing::Contains("other.txt"))) << "no folder";
}

TEST_F(Outline, FishCompletes) {
  if (!installed("fish")) GTEST_SKIP() << "fish is not installed";
  const auto fish = [&](const std::string& line) {
    return ask("HOME='" + std::string(folder_.path()) + "' fish --no-config -c 'source \"" + write("fish") +
               "\"; complete -C \"" + line + "\"'")
        .lines;
  };
  EXPECT_THAT(fish("tocsin r"), ElementsAre("run\tRun it, and don't stop"));
  EXPECT_THAT(fish("tocsin run --level "), UnorderedElementsAre("debug\tHow much", "info\tHow much"));
  EXPECT_THAT(fish("tocsin actions "), UnorderedElementsAre("approve\tLet one run", "shape\tOf a kind"));
}

TEST_F(Outline, ZshReadsIt) {
  if (!installed("zsh")) GTEST_SKIP() << "zsh is not installed";
  const Said said = ask("zsh -f -n '" + write("zsh") + "'");
  EXPECT_EQ(said.status, 0);
  EXPECT_THAT(said.lines, ElementsAre());
  EXPECT_THAT(completion(program(), "zsh"), HasSubstr(R"('run:Run it, and don'\''t stop')"));
}

void expect_clean(const TempDir& folder, const std::string& page) {
  if (!installed("groff")) GTEST_SKIP() << "groff is not installed";
  const Said said = ask("groff -man -ww -z -K utf8 -T utf8 '" + folder.write("page", page) + "'");
  EXPECT_EQ(said.status, 0);
  EXPECT_THAT(said.lines, ElementsAre());
}

TEST_F(Outline, TheManualSaysIt) {
  const std::string page = command_manual(program());
  EXPECT_THAT(page, HasSubstr(".SS tocsin actions approve\n"));
  EXPECT_THAT(page, HasSubstr("\\fBtocsin check\\fR [\\fIOPTIONS\\fR] \\fIFILE\\fR...\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-\\-config\\fR \\fIFILE\\fR\nThe file.\nDefault: /etc/bell.yml.\n"));
  expect_clean(folder_, page);
}

TEST(ConfigManual, TakesOverTheTables) {
  const TempDir folder;
  const std::string page = config_manual(
      "# Configuration\n\nWords.\n\n- A `word`.\n\n## probe\n\n.A job\n\n| key | type | default | meaning "
      "|\n|---|---|---|---|\n"
      "| `job` | text | *required* | The \\\\n of 'it', see [that](#that). |\n| `a` | [b](#b), x\\|y | `1` |  |\n");
  EXPECT_THAT(page, HasSubstr(".SH probe\n.PP\n\\&.A job\n"));
  EXPECT_THAT(page,
              HasSubstr(".TP\n\\fBjob\\fR (text; \\fIrequired\\fR)\nThe \\e\\en of \\(aqit\\(aq, see \\fIthat\\fR.\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fBa\\fR (\\fIb\\fR, x|y; default \\fB1\\fR)\n\\&\n"));
  EXPECT_THAT(page, HasSubstr(".IP \\(bu 2\nA \\fBword\\fR.\n"));
  expect_clean(folder, page);
}

}  // namespace
}  // namespace tocsin::daemon
