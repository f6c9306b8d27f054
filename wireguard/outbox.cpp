#include "wireguard/outbox.h"

#include <algorithm>

namespace dske::wireguard {

void Outbox::put(LinkedMessage message, Answered answered) {
  Waiting& waiting = kinds_[message.message.index()];
  const Link link = message.link;
  waiting.insert_or_assign(link, Item{std::move(message), std::move(answered)});
}

void Outbox::move_from(Waiting& waiting, std::size_t most, std::vector<Item>& into) {
  while (!waiting.empty() && into.size() < most) {
    auto first = waiting.extract(waiting.begin());
    into.push_back(std::move(first.mapped()));
  }
}

std::vector<Outbox::Item> Outbox::take_kind(std::size_t most) {
  std::vector<Item> items;
  for (std::size_t i = 0; i < kinds_.size() && items.empty(); ++i) {
    move_from(kinds_[turn_], most, items);
    turn_ = (turn_ + 1) % kinds_.size();
  }
  return items;
}

std::vector<Outbox::Item> Outbox::take_any(std::size_t most) {
  std::vector<Item> items;
  for (Waiting& waiting : kinds_) move_from(waiting, most, items);
  return items;
}

void Outbox::forget(const Link& link) {
  for (Waiting& waiting : kinds_) waiting.erase(link);
}

bool Outbox::empty() const {
  return std::all_of(kinds_.begin(), kinds_.end(), [](const Waiting& waiting) { return waiting.empty(); });
}

}  // namespace dske::wireguard
