#include "manager/help.h"

namespace dske::manager {
namespace {

struct CommandHelp {
  const char* usage;
  const char* text;
};

CommandHelp help_of(CommandName command) {
  switch (command) {
    case CommandName::start:
      return {"dske-manager [--hub NAME]... [--client NAME]... TOPOLOGY start",
              "Starts the hubs and KMEs that are not running and waits until each is ready. Makes what is "
              "missing before:\n"
              "the PKI, each node's configuration and state, and PSRD where a client has none left or less "
              "than half of a\n"
              "default block. A node whose `address` is not this host gets its directory made ready to copy "
              "instead.\n"};
    case CommandName::stop:
      return {"dske-manager [--hub NAME]... [--client NAME]... TOPOLOGY stop",
              "Stops nodes gracefully, clients before hubs; one that does not end within 10 s is killed.\n"};
    case CommandName::restart:
      return {"dske-manager [--hub NAME]... [--client NAME]... TOPOLOGY restart", "Stops, then starts.\n"};
    case CommandName::status:
      return {"dske-manager [--hub NAME]... [--client NAME]... [--json] TOPOLOGY status [--watch]",
              "Shows each node's state, pid, port and uptime, the PSRD that each client has left at each "
              "hub, and warnings.\n"
              "States: ready, not ready, not answering, dead (ended without being stopped), stopped, remote "
              "(another host).\n"
              "\n"
              "  --watch  show it anew every second, until Ctrl-C\n"
              "  --json   for programs (docs/manager.md)\n"};
    case CommandName::etsi_qkd:
      return {
          "dske-manager TOPOLOGY etsi-qkd MASTER_SAE SLAVE_SAE OPERATION [--number N] [--size BITS]",
          "Calls ETSI GS QKD 014 as an SAE, with its certificate, and prints request and answer, keys "
          "included.\n"
          "\n"
          "  get-status (or status)       Get status, as the master\n"
          "  get-key                      Get key, as the master\n"
          "  get-key-with-key-ids ID...   Get key with key IDs, as the slave\n"
          "  get-key-pair                 both, and compares the keys; exit status 1 if they do not match\n"
          "\n"
          "  --number N     how many keys (get-key, get-key-pair)\n"
          "  --size BITS    their size (get-key, get-key-pair)\n"};
    case CommandName::provision:
      return {
          "dske-manager [--hub NAME]... TOPOLOGY provision NODE [--client-bytes N] [--hub-bytes N] [-o DIR]",
          "NODE is client/NAME, hub/NAME or NAME. Adds PSRD while the network runs: each hub (or those of "
          "--hub) makes a\n"
          "further block for the client, which ingests it; for a hub, each of its clients gets one.\n"
          "For a node on another host, its directory (run/kme/NAME or run/hub/NAME, or DIR) is made ready to "
          "copy: its\n"
          "configuration, a KME's certificate, and PSRD in psrd-in/.\n"
          "\n"
          "  --client-bytes N   bytes of a block that the client sends with (the topology's "
          "psrd.client_bytes)\n"
          "  --hub-bytes N      bytes that the hub sends with (psrd.hub_bytes)\n"
          "  -o, --output DIR   leave the files in DIR instead, to be carried to the client\n"};
    case CommandName::pki:
      return {
          "dske-manager [--json] TOPOLOGY pki init | issue [SUBJECT]... | renew [SUBJECT]... | revoke "
          "SUBJECT... | list",
          "SUBJECT is kme/NAME or sae/SAE_ID; all if none is named.\n"
          "\n"
          "  init    makes the CA (run/pki/ca.crt, ca.key) and its revocation list (ca.crl) if there are "
          "none\n"
          "  issue   issues certificates to those that have none in order (missing, revoked, expired or soon "
          "to be)\n"
          "  renew   issues certificates anew, with new keys; which take effect within seconds\n"
          "  revoke  makes KMEs refuse certificates from now on: those that the SUBJECTs have, or "
          "serial/HEX; a subject\n"
          "          of the topology gets another one with `issue` or the next `start`\n"
          "  list    shows the certificates, when they expire and what is wrong with them\n"};
    case CommandName::logs:
      return {"dske-manager TOPOLOGY logs hub/NAME|client/NAME|courier [--lines N] [--follow]",
              "Prints a node's log.\n"
              "\n"
              "  -n, --lines N   only the last N lines\n"
              "  -f, --follow    go on with what is added, until Ctrl-C\n"};
    case CommandName::courier:
      return {"dske-manager TOPOLOGY courier",
              "Carries PSRD files from the hubs of this host to its KMEs until Ctrl-C, in the foreground. "
              "`start` starts it\n"
              "in the background if the topology has a `courier`, `stop` ends it.\n"};
  }
  return {"", ""};
}

}  // namespace

std::string program_help() {
  return "Runs a DSKE key network from a topology file: hubs, KMEs, their PKI and their PSRD.\n"
         "\n"
         "usage: dske-manager [--client NAME]... [--hub NAME]... [--json] TOPOLOGY COMMAND\n"
         "\n"
         "commands (`dske-manager TOPOLOGY COMMAND --help` tells more):\n"
         "  start       start hubs and KMEs, and make what is missing for it\n"
         "  stop        stop them\n"
         "  restart     stop and start them\n"
         "  status      show their state and the PSRD that is left\n"
         "  etsi-qkd    get keys as an encryptor does (ETSI GS QKD 014)\n"
         "  provision   add PSRD, or prepare a node for another host\n"
         "  pki         make and show certificates\n"
         "  logs        show a node's log\n"
         "  courier     carry PSRD from hubs to KMEs (`start` does it in the background)\n"
         "\n"
         "options:\n"
         "  --client NAME   only this client (KME); may be repeated\n"
         "  --hub NAME      only this hub; may be repeated\n"
         "  --json          output for programs (status, pki list)\n"
         "  --help          this text, or that of a command\n"
         "  --version       the version\n"
         "\n"
         "State is kept beside the topology file in run/ (`state_dir` changes it). Exit status: 0 on "
         "success, 1 on\n"
         "failure, 2 on wrong usage.\n";
}

std::string command_usage(CommandName command) {
  return help_of(command).usage;
}

std::string command_help(CommandName command) {
  const CommandHelp help = help_of(command);
  return std::string("usage: ") + help.usage + "\n\n" + help.text;
}

}  // namespace dske::manager
