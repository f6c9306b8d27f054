// The extensions of one "Get key" request: what they ask, what can be met, what the answer tells of it.
#pragma once

#include <string>
#include <vector>

#include "etsi014/api_error.h"
#include "etsi014/key_container.h"
#include "etsi014/key_request.h"
#include "kme/extensions/demand.h"

namespace dske::kme {

class AskedExtensions {
 public:
  /// `hubs` is how many the KME is configured with. Unknown optional extensions and those that can never be
  /// met are left out; for mandatory ones the answer is the standard's 400. What is both counts as mandatory.
  [[nodiscard]] static etsi014::ApiResult<AskedExtensions> read(const etsi014::KeyRequest& request,
                                                                std::size_t hubs);

  /// Whether an extension was asked for that this KME knows, met or not.
  [[nodiscard]] bool any() const { return any_; }
  /// What all that are to be met ask together.
  [[nodiscard]] Demand demand() const;

  /// Only `hubs` hubs are there for some slave's KME. True if an optional extension needed more and was given
  /// up, so that it is worth trying again; false if none did; the standard's 400, with `reason` in the
  /// details, if a mandatory one did.
  [[nodiscard]] etsi014::ApiResult<bool> settle_for(std::size_t hubs, const std::string& reason);

 private:
  struct Asked {
    std::string name;
    bool mandatory = false;
    Demand demand;
  };
  std::vector<Asked> asked_;
  bool any_ = false;
};

}  // namespace dske::kme
