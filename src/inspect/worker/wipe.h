// Leaves nothing of one message in memory for the next: while it is on, every C++ object's memory is zeroed
// when it is freed (replaced operator delete, so it covers strings, vectors and protobuf messages), and
// give_back_memory returns what the heap grew by to the kernel, which hands out zeroed pages. Linked into
// inspectors only; sanitizer builds keep their own operators. One thread.
#pragma once

namespace gatehouse::inspect::worker {

void start_wiping();
/// Between messages; cheap while the heap has not grown by more than a megabyte since start_wiping.
void give_back_memory();

}  // namespace gatehouse::inspect::worker
