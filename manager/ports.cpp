#include "manager/ports.h"

#include <set>

#include "base/file.h"
#include "base/json.h"

namespace dske::manager {
namespace {

constexpr std::size_t kRecordBytesMost = std::size_t{4} << 20;

// The ports that are taken by a node or by its management interface.
class TakenPorts {
 public:
  [[nodiscard]] bool has_room_for(std::uint16_t port) const {
    return taken_.count(port) == 0 && taken_.count(management(port)) == 0;
  }
  void add(std::uint16_t port) {
    taken_.insert(port);
    taken_.insert(management(port));
  }

 private:
  static std::uint16_t management(std::uint16_t port) {
    return static_cast<std::uint16_t>(port + kManagementPortOffset);
  }
  std::set<std::uint16_t> taken_;
};

template <class Specs>
void take_given_ports(const Specs& specs, std::map<std::string, std::uint16_t>& assigned, TakenPorts& taken) {
  for (const auto& spec : specs) {
    if (!spec.port) continue;
    assigned[spec.name.text()] = *spec.port;
    taken.add(*spec.port);
  }
}

// A recorded port that a node of the topology now claims for itself is lost to its former owner.
template <class Specs>
void keep_recorded_ports(const Specs& specs, std::map<std::string, std::uint16_t>& assigned,
                         TakenPorts& taken) {
  std::set<std::string> given;
  for (const auto& spec : specs) {
    if (spec.port) given.insert(spec.name.text());
  }
  for (auto entry = assigned.begin(); entry != assigned.end();) {
    if (given.count(entry->first) != 0) {
      ++entry;
    } else if (taken.has_room_for(entry->second)) {
      taken.add(entry->second);
      ++entry;
    } else {
      entry = assigned.erase(entry);
    }
  }
}

template <class Specs>
bool assign_the_rest(const Specs& specs, std::map<std::string, std::uint16_t>& assigned, TakenPorts& taken,
                     std::uint32_t& next) {
  for (const auto& spec : specs) {
    if (assigned.count(spec.name.text()) != 0) continue;
    while (next <= kPortMost && !taken.has_room_for(static_cast<std::uint16_t>(next))) ++next;
    if (next > kPortMost) return false;
    const auto port = static_cast<std::uint16_t>(next);
    assigned[spec.name.text()] = port;
    taken.add(port);
  }
  return true;
}

Result<std::map<std::string, std::uint16_t>> read_ports(json::Value value) {
  std::map<std::string, std::uint16_t> ports;
  for (const std::string_view name : value.member_names()) {
    const auto port = value.member(name)->integer();
    if (!port || *port < 1 || *port > kPortMost)
      return invalid("the port of " + std::string(name) + " is wrong");
    ports[std::string(name)] = static_cast<std::uint16_t>(*port);
  }
  return ports;
}

void write_ports(json::Writer& writer, const std::map<std::string, std::uint16_t>& ports) {
  writer.begin_object();
  for (const auto& [name, port] : ports) writer.name(name).integer(port);
  writer.end_object();
}

}  // namespace

Result<PortRecord> assign_ports(const Topology& topology, const PortRecord& recorded) {
  PortRecord record;
  if (recorded.base_port == topology.base_port) record = recorded;
  record.base_port = topology.base_port;

  TakenPorts taken;
  take_given_ports(topology.hubs, record.hubs, taken);
  take_given_ports(topology.clients, record.clients, taken);
  keep_recorded_ports(topology.hubs, record.hubs, taken);
  keep_recorded_ports(topology.clients, record.clients, taken);
  std::uint32_t next = topology.base_port;
  if (!assign_the_rest(topology.hubs, record.hubs, taken, next) ||
      !assign_the_rest(topology.clients, record.clients, taken, next)) {
    return Error{ErrorKind::exhausted,
                 topology.file.string() + ": there are not enough ports above base_port; choose a lower one"};
  }
  return record;
}

Result<PortRecord> read_port_record(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return PortRecord();
  auto text = read_file(file, kRecordBytesMost);
  if (!text) return text.error();
  auto document = json::Document::parse(text->text());
  if (!document) return document.error().within(file.string());
  json::ObjectReader reader(document->root(), file.string());
  PortRecord record;
  record.base_port = static_cast<std::uint16_t>(reader.integer("base_port", 1, kPortMost));
  auto hubs = read_ports(reader.object("hubs"));
  auto clients = read_ports(reader.object("clients"));
  if (auto error = reader.finish(json::UnknownMembers::refuse)) return *error;
  if (!hubs) return hubs.error().within(file.string());
  if (!clients) return clients.error().within(file.string());
  record.hubs = std::move(*hubs);
  record.clients = std::move(*clients);
  return record;
}

Result<void> write_port_record(const std::filesystem::path& file, const PortRecord& record) {
  json::Writer writer;
  writer.begin_object().name("base_port").integer(record.base_port);
  write_ports(writer.name("hubs"), record.hubs);
  write_ports(writer.name("clients"), record.clients);
  writer.end_object();
  return write_file_atomically(file, as_bytes(writer.take_text() + "\n"), 0600);
}

}  // namespace dske::manager
