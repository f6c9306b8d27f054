#include "vectors.h"

#include <fstream>
#include <stdexcept>

namespace dske::test {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  throw std::runtime_error(std::string("not a hexadecimal digit: ") + c);
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

Bytes from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) throw std::runtime_error("an odd number of hexadecimal digits");
  Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1])));
  }
  return bytes;
}

std::string to_hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

bool Vector::has(const std::string& key) const {
  for (const auto& entry : entries_) {
    if (entry.first == key) return true;
  }
  return false;
}

std::vector<std::string> Vector::texts(const std::string& key) const {
  std::vector<std::string> values;
  for (const auto& entry : entries_) {
    if (entry.first == key) values.push_back(entry.second);
  }
  if (values.empty()) throw std::runtime_error(where_ + ": no key " + key);
  return values;
}

std::string Vector::text(const std::string& key) const {
  const std::vector<std::string> values = texts(key);
  if (values.size() != 1) throw std::runtime_error(where_ + ": more than one " + key);
  return values.front();
}

Bytes Vector::bytes(const std::string& key) const {
  try {
    return from_hex(text(key));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(where_ + ": " + key + ": " + error.what());
  }
}

std::uint64_t Vector::number(const std::string& key) const {
  const std::string value = text(key);
  if (value.empty() || value.size() > 18 || value.find_first_not_of("0123456789") != std::string::npos) {
    throw std::runtime_error(where_ + ": " + key + " is not a number");
  }
  return std::stoull(value);
}

std::vector<Vector> read_vectors(const std::string& path) {
  std::ifstream file(std::string(DSKE_TEST_DATA) + "/" + path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<Vector> vectors;
  bool valid = true;
  bool in_block = false;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    line = trimmed(line);
    const std::string where = path + ":" + std::to_string(number);
    if (line.empty() || line == "[Valid]" || line == "[Invalid]") {
      if (!line.empty()) valid = line == "[Valid]";
      in_block = false;
      continue;
    }
    if (line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) throw std::runtime_error(where + ": expected key = value");
    if (!in_block) {
      vectors.emplace_back();
      vectors.back().where_ = where;
      vectors.back().valid_ = valid;
      in_block = true;
    }
    vectors.back().entries_.emplace_back(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
  }
  if (vectors.empty()) throw std::runtime_error(path + " has no vectors");
  return vectors;
}

}  // namespace dske::test
