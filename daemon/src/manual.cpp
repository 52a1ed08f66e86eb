#include "src/manual.hpp"

#include <fmt/format.h>

#include <vector>

namespace tocsin::daemon {
namespace {

/// One character of text in roff's own letters.
void put(std::string& out, char c) {
  switch (c) {
    case '\\':
      out += "\\e";
      break;
    case '-':
      out += "\\-";
      break;
    case '^':
      out += "\\(ha";
      break;
    case '~':
      out += "\\(ti";
      break;
    case '`':
      out += "\\(ga";
      break;
    case '\'':
      out += "\\(aq";
      break;
    case '"':
      out += "\\(dq";
      break;
    default:
      out += c;
  }
}

std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) put(out, c);
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + plain(text) + "\\fR"; }
std::string slanted(std::string_view text) { return "\\fI" + plain(text) + "\\fR"; }

/// Text with `code`, *stress* and [links](#there) as Markdown has them.
std::string marked(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto end_of = [&](char mark) { return text.find(mark, i + 1); };
    if (c == '`' && end_of('`') != std::string_view::npos) {
      out += bold(text.substr(i + 1, end_of('`') - i - 1));
      i = end_of('`');
    } else if (c == '*' && end_of('*') != std::string_view::npos) {
      out += slanted(text.substr(i + 1, end_of('*') - i - 1));
      i = end_of('*');
    } else if (const auto link = text.find("](#", i); c == '[' && link != std::string_view::npos) {
      out += slanted(text.substr(i + 1, link - i - 1));
      i = text.find(')', link);
      if (i == std::string_view::npos) break;
    } else {
      put(out, c);
    }
  }
  // A line that begins with a dot or a quote would be a request.
  return out.starts_with('.') ? "\\&" + out : out;
}

std::string header(std::string_view title, int section, std::string_view kind) {
  return fmt::format(".\\\" Made by `tocsin docs \\-\\-man`.\n.TH {} {} \"\" \"tocsin {}\" \"{}\"\n", title, section,
                     TOCSIN_VERSION, kind);
}

std::string option_entry(const OutlinedOption& option) {
  std::string out = ".TP\n";
  for (std::size_t i = 0; i < option.names.size(); ++i) {
    if (i != 0) out += ", ";
    const std::string& name = option.names[i];
    out += name.starts_with('-') ? bold(name) : slanted(name);
  }
  const bool switch_or_argument = option.value.empty() || !option.names.front().starts_with('-');
  if (!switch_or_argument) out += " " + slanted(option.value);
  out += "\n" + marked(option.doc.empty() ? option.names.front() : option.doc) + ".\n";
  if (!option.choices.empty()) out += "One of " + plain(fmt::format("{}", fmt::join(option.choices, ", "))) + ".\n";
  if (!option.fallback.empty()) out += "Default: " + plain(option.fallback) + ".\n";
  return out;
}

std::string usage_line(const OutlinedCommand& command) {
  std::string out = bold(command.path);
  if (!command.options.empty()) out += " [" + slanted("OPTIONS") + "]";
  for (const OutlinedOption& argument : command.arguments) {
    const std::string word = slanted(argument.names.front()) + (argument.many ? "..." : "");
    out += argument.required ? " " + word : " [" + word + "]";
  }
  if (!command.commands.empty()) out += " " + slanted("COMMAND");
  return out;
}

void put_commands(std::string& out, const OutlinedCommand& parent) {
  for (const OutlinedCommand& command : parent.commands) {
    out += ".SS " + plain(command.path) + "\n" + usage_line(command) + "\n.PP\n" + marked(command.doc) + ".\n";
    for (const OutlinedOption& argument : command.arguments) out += option_entry(argument);
    for (const OutlinedOption& option : command.options) {
      if (option.names.back() != "--help") out += option_entry(option);
    }
    put_commands(out, command);
  }
}

constexpr std::string_view command_rest = R"(.SH FILES
.TP
.I /etc/tocsin/tocsin.yml
The configuration; see
.BR tocsin.yml (5).
.TP
.I /var/lib/tocsin
What must survive a restart: what is owed to Alertmanagers, timers of alerts, the journal of actions.
.TP
.I /run/tocsin/tocsin.sock
The local socket, by which the other commands reach the daemon. Members of the group
.I tocsin
may use it, also to give orders about actions.
.TP
.I /usr/share/tocsin
Packs of rules, Grafana dashboards, and rules for a Prometheus that watches tocsin.
.SH SIGNALS
.TP
.B SIGHUP
The configuration is read again. One that has errors is refused, and the one before goes on.
.TP
.BR SIGTERM ", " SIGINT
An orderly stop: no probe begins any more, a command that runs may end, alerts that wait get a moment to leave.
.SH EXIT STATUS
.TP
.B 0
Good. Warnings are printed.
.TP
.B 1
What was checked is bad, or the command failed.
.TP
.B 2
Wrong usage.
.TP
.B 3
There are warnings, and \fB\-\-lint\-fatal\fR was given.
.SH ENVIRONMENT
Variables are put in where the configuration says \fB${NAME}\fR.
The ones that systemd gives are understood: \fBSTATE_DIRECTORY\fR, \fBRUNTIME_DIRECTORY\fR, \fBCREDENTIALS_DIRECTORY\fR, \fBNOTIFY_SOCKET\fR.
.SH EXAMPLES
.EX
tocsin check /etc/tocsin/tocsin.yml
systemctl reload tocsin
tocsin query \(aqredis_up == 0\(aq
tocsin probe redis://127.0.0.1:6379
tocsin actions list
tocsin actions pause \-\-for 2h \-\-note \(aqwe deploy\(aq
.EE
.SH SEE ALSO
.BR tocsin.yml (5),
.BR systemctl (1),
.BR prometheus (1),
.BR prometheus\-alertmanager (1)
)";

/// The cells of "| a | b |"; `\|` stands for a bar.
std::vector<std::string> cells(std::string_view row) {
  std::vector<std::string> all(1);
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (row[i] == '\\' && i + 1 < row.size() && row[i + 1] == '|') {
      all.back() += row[++i];
    } else if (row[i] == '|') {
      all.emplace_back();
    } else {
      all.back() += row[i];
    }
  }
  all.pop_back();  // what is behind the last bar
  for (std::string& cell : all) {
    const auto first = cell.find_first_not_of(' ');
    cell = first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1);
  }
  return all;
}

/// A row of a table of keys: the key, its type and default, and what it means.
std::string key_entry(std::string_view row) {
  const auto columns = cells(row);
  if (columns.size() != 4 || columns[0] == "key" || columns[0].starts_with("---")) return "";
  std::string out = ".TP\n" + marked(columns[0]) + " (" + marked(columns[1]);
  if (columns[2] == "*required*") {
    out += "; " + marked(columns[2]);
  } else if (!columns[2].empty()) {
    out += "; default " + marked(columns[2]);
  }
  return out + ")\n" + (columns[3].empty() ? "\\&" : marked(columns[3])) + "\n";
}

}  // namespace

std::string command_manual(const OutlinedCommand& program) {
  std::string out = header("TOCSIN", 1, "User Commands");
  out += ".SH NAME\ntocsin \\- probe services, judge by rules, tell Alertmanager, scale\n";
  out += ".SH SYNOPSIS\n" + bold("tocsin") + " " + slanted("COMMAND") + " [" + slanted("OPTIONS") + "]\n";
  out += ".SH DESCRIPTION\n" + marked(program.doc) + "\n";
  out += ".PP\nAs a service it is run by systemd: " + bold("systemctl status tocsin") + " and " +
         bold("journalctl -u tocsin") + " say how it does.\n";
  out += ".SH COMMANDS\n";
  put_commands(out, program);
  return out.append(command_rest);
}

std::string config_manual(std::string_view markdown) {
  std::string out = header("TOCSIN.YML", 5, "File Formats");
  out += ".SH NAME\ntocsin.yml \\- configuration of tocsin\n.SH DESCRIPTION\n";
  while (!markdown.empty()) {
    const auto end = std::min(markdown.find('\n'), markdown.size());
    const std::string_view line = markdown.substr(0, end);
    markdown.remove_prefix(std::min(end + 1, markdown.size()));
    if (line.empty() || line.starts_with("# ")) continue;
    if (line.starts_with("## ")) {
      out += ".SH " + plain(line.substr(3)) + "\n";
    } else if (line.starts_with("- ")) {
      out += ".IP \\(bu 2\n" + marked(line.substr(2)) + "\n";
    } else if (line.starts_with('|')) {
      out += key_entry(line);
    } else {
      out += ".PP\n" + marked(line) + "\n";
    }
  }
  return out + ".SH SEE ALSO\n.BR tocsin (1)\n";
}

}  // namespace tocsin::daemon
