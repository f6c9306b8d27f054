// Steps at which a test build can kill the process or let it fail: what a crash, a full disk or a dying one
// does at the worst moment, at will. In every other build nothing of this is compiled in.
//
// The binaries of tests/crash (CMake target crash_programs, in build/fault/bin) are compiled with
// DSKE_FAULT_POINTS. They read the environment variable DSKE_FAULT once:
//
//   DSKE_FAULT=NAME:OCCURRENCE:ACTION
//
// When the point NAME is passed for the OCCURRENCEth time (counted from 1), ACTION happens: `kill` ends the
// process with SIGKILL, `EIO` or `ENOSPC` lets the step fail as if the system had said so (only where a step
// can fail; once), `pause` stops the process with SIGSTOP until somebody continues it. With anything else in
// the variable the process ends with a message: a fault that does not happen proves nothing.
// dske-fault-points lists the points.
#pragma once

#include <array>
#include <cerrno>
#include <string_view>

namespace dske {

enum class FaultPoint {
  file_create,
  file_write,
  file_sync,
  file_rename,
  file_sync_directory,
  file_done,
  wipe_write,
  wipe_sync,
  wipe_remove,
  wipe_done,
  store_opened,
  commit_begin,
  commit_prepare,
  commit_commit,
  commit_committed,
  commit_answer,
  commit_answered,
  checkpoint_begin,
  checkpoint_done,
  block_write,
  block_sync,
  block_rename,
  block_adopted,
  block_wipe,
  block_wiped,
  marker_write,
  marker_written,
  set_back_dropped,
  hub_verified,
  hub_answer,
  hub_answered,
  kme_send,
  kme_received,
  kme_keys_answer,
  kme_keys_written,
  ready_made,
  ready_kept,
  ready_leased,
  ready_returned,
  ingest_read,
  ingest_stored,
  ingest_done,
  assign_stored,
  assign_done,
};

/// Which programs pass a point: `both`, or one of them.
enum class FaultPlace { both, hub, kme };

struct FaultPointInfo {
  FaultPoint point;
  std::string_view name;
  FaultPlace place;
  bool can_fail;  ///< the step has an error to give: EIO and ENOSPC are allowed
  std::string_view what;
};

/// In the order of FaultPoint.
inline constexpr std::array kFaultPoints{
    FaultPointInfo{FaultPoint::file_create, "file.create", FaultPlace::both, true,
                   "before a file is made beside the one that it replaces"},
    FaultPointInfo{FaultPoint::file_write, "file.write", FaultPlace::both, true, "before it is written"},
    FaultPointInfo{FaultPoint::file_sync, "file.sync", FaultPlace::both, true, "before it is flushed"},
    FaultPointInfo{FaultPoint::file_rename, "file.rename", FaultPlace::both, true,
                   "before it takes the place of the old one"},
    FaultPointInfo{FaultPoint::file_sync_directory, "file.sync-directory", FaultPlace::both, true,
                   "before a directory is flushed"},
    FaultPointInfo{FaultPoint::file_done, "file.done", FaultPlace::both, false,
                   "when a file has been replaced for good"},
    FaultPointInfo{FaultPoint::wipe_write, "wipe.write", FaultPlace::kme, true,
                   "before a file is overwritten"},
    FaultPointInfo{FaultPoint::wipe_sync, "wipe.sync", FaultPlace::kme, true, "before the zeros are flushed"},
    FaultPointInfo{FaultPoint::wipe_remove, "wipe.remove", FaultPlace::kme, true,
                   "before a wiped file is removed"},
    FaultPointInfo{FaultPoint::wipe_done, "wipe.done", FaultPlace::kme, false,
                   "when a wiped file is gone for good"},
    FaultPointInfo{FaultPoint::store_opened, "store.opened", FaultPlace::both, false,
                   "when the store is open, before anything is served"},
    FaultPointInfo{FaultPoint::commit_begin, "commit.begin", FaultPlace::both, true,
                   "before a transaction begins"},
    FaultPointInfo{FaultPoint::commit_prepare, "commit.prepare", FaultPlace::both, true,
                   "when its operations have run, before its witness is asked"},
    FaultPointInfo{FaultPoint::commit_commit, "commit.commit", FaultPlace::both, true, "before COMMIT"},
    FaultPointInfo{FaultPoint::commit_committed, "commit.committed", FaultPlace::both, false,
                   "after COMMIT, before the witness notes it"},
    FaultPointInfo{FaultPoint::commit_answer, "commit.answer", FaultPlace::both, false,
                   "before an operation of a commit is answered"},
    FaultPointInfo{FaultPoint::commit_answered, "commit.answered", FaultPlace::both, false,
                   "when an operation of a commit has been answered"},
    FaultPointInfo{FaultPoint::checkpoint_begin, "checkpoint.begin", FaultPlace::both, true,
                   "before the write-ahead log is emptied"},
    FaultPointInfo{FaultPoint::checkpoint_done, "checkpoint.done", FaultPlace::both, false,
                   "when the write-ahead log is empty"},
    FaultPointInfo{FaultPoint::block_write, "block.write", FaultPlace::both, true,
                   "before sealed PSRD is written"},
    FaultPointInfo{FaultPoint::block_sync, "block.sync", FaultPlace::both, true,
                   "before the file of a PSRD block is flushed"},
    FaultPointInfo{FaultPoint::block_rename, "block.rename", FaultPlace::both, true,
                   "before the file of a PSRD block gets its name"},
    FaultPointInfo{FaultPoint::block_adopted, "block.adopted", FaultPlace::both, false,
                   "when it has its name, before the database knows of it"},
    FaultPointInfo{FaultPoint::block_wipe, "block.wipe", FaultPlace::both, true,
                   "before used PSRD is overwritten on disk"},
    FaultPointInfo{FaultPoint::block_wiped, "block.wiped", FaultPlace::both, false,
                   "when it is overwritten and flushed, before that is committed"},
    FaultPointInfo{FaultPoint::marker_write, "marker.write", FaultPlace::both, true,
                   "when a lease is committed, before the set-back marker says so"},
    FaultPointInfo{FaultPoint::marker_written, "marker.written", FaultPlace::both, false,
                   "when the set-back marker tells of a lease"},
    FaultPointInfo{FaultPoint::set_back_dropped, "set-back.dropped", FaultPlace::both, false,
                   "when a set-back store has dropped blocks, before anything is said"},
    FaultPointInfo{FaultPoint::hub_verified, "hub.verified", FaultPlace::hub, false,
                   "when a message has verified and its bytes are taken"},
    FaultPointInfo{FaultPoint::hub_answer, "hub.answer", FaultPlace::hub, false,
                   "when an answer is signed, before it is sent"},
    FaultPointInfo{FaultPoint::hub_answered, "hub.answered", FaultPlace::hub, false,
                   "when an answer has been handed to the server"},
    FaultPointInfo{FaultPoint::kme_send, "kme.send", FaultPlace::kme, false,
                   "when a request to a hub is signed, before it is sent"},
    FaultPointInfo{FaultPoint::kme_received, "kme.received", FaultPlace::kme, false,
                   "when a hub's answer has arrived, before it is looked at"},
    FaultPointInfo{FaultPoint::kme_keys_answer, "kme.keys-answer", FaultPlace::kme, false,
                   "before keys are answered to an SAE"},
    FaultPointInfo{FaultPoint::kme_keys_written, "kme.keys-written", FaultPlace::kme, false,
                   "when the kernel took the keys for a slave, before that is recorded"},
    FaultPointInfo{FaultPoint::ready_made, "ready.made", FaultPlace::kme, false,
                   "when keys are established ahead of demand, before they are stored"},
    FaultPointInfo{FaultPoint::ready_kept, "ready.kept", FaultPlace::kme, false,
                   "when they are stored, before one can be given out"},
    FaultPointInfo{FaultPoint::ready_leased, "ready.leased", FaultPlace::kme, false,
                   "when ready keys are leased, before one of them can be given out"},
    FaultPointInfo{FaultPoint::ready_returned, "ready.returned", FaultPlace::kme, false,
                   "when leased keys that nobody was given are stored again, at a stop"},
    FaultPointInfo{FaultPoint::ingest_read, "ingest.read", FaultPlace::kme, false,
                   "when a PSRD file has been checked, before it is stored"},
    FaultPointInfo{FaultPoint::ingest_stored, "ingest.stored", FaultPlace::kme, false,
                   "when its block is stored, before the file is wiped"},
    FaultPointInfo{FaultPoint::ingest_done, "ingest.done", FaultPlace::kme, false,
                   "when the file is gone, before the block is used"},
    FaultPointInfo{FaultPoint::assign_stored, "assign.stored", FaultPlace::hub, false,
                   "when the hub has a new block, before its file is written"},
    FaultPointInfo{FaultPoint::assign_done, "assign.done", FaultPlace::hub, false,
                   "when a PSRD file is ready for its client"},
};

// Both may be in one program, of which only the sources with points are compiled anew: so their names differ.
#ifdef DSKE_FAULT_POINTS
inline namespace with_faults {

/// The step that is about to be done: 0, or the errno value with which it has to fail. Does not return if the
/// process is to be killed here. Thread-safe.
[[nodiscard]] int fault_at(FaultPoint point);

#else
inline namespace without_faults {

[[nodiscard]] constexpr int fault_at(FaultPoint /*point*/) {
  return 0;
}

#endif

/// As fault_at(), as a call of the system tells it: whether the step has to fail, and errno says why.
[[nodiscard]] inline bool fails_at(FaultPoint point) {
  const int fault = fault_at(point);
  if (fault != 0) errno = fault;
  return fault != 0;
}

/// As fault_at(), for steps that cannot fail.
inline void pass(FaultPoint point) {
  [[maybe_unused]] const int fault = fault_at(point);
}

}  // namespace with_faults, without_faults
}  // namespace dske
