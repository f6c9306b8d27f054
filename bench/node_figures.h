// The figures of a node at several sizes, side by side.
#pragma once

#include <string>
#include <vector>

namespace dske::bench {

/// A table with a line for each figure, a column for each size, and the ratio of each size's figure to that
/// of the one before.
class NodeFigures {
 public:
  /// A new column.
  void begin(std::string heading) { columns_.push_back(std::move(heading)); }
  /// Notes a figure in the last column. REQUIRES: in the same order in every column.
  void add(const std::string& name, const std::string& unit, double value);
  void print() const;

 private:
  struct Line {
    std::string name;
    std::string unit;
    std::vector<double> values;
  };
  std::vector<std::string> columns_;
  std::vector<Line> lines_;
};

}  // namespace dske::bench
