#include "inspect/worker/wipe.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace gatehouse::inspect::worker {

namespace {

constexpr std::intptr_t kTolerated = 1 << 20;
bool wiping = false;
std::intptr_t heap_end = 0;

std::intptr_t end_of_heap() {
    return reinterpret_cast<std::intptr_t>(::sbrk(0));
}

}  // namespace

void start_wiping() {
    ::malloc_trim(0);
    heap_end = end_of_heap();
    wiping = true;
}

void give_back_memory() {
    if (end_of_heap() - heap_end > kTolerated) ::malloc_trim(0);
}

#ifndef GATEHOUSE_SANITIZED
namespace {

void wipe_and_free(void* block) {
    if (wiping && block != nullptr) ::explicit_bzero(block, ::malloc_usable_size(block));
    std::free(block);
}

}  // namespace
#endif

}  // namespace gatehouse::inspect::worker

#ifndef GATEHOUSE_SANITIZED
// The library's other forms of delete end in these; its operator new is malloc or aligned_alloc.
void operator delete(void* block) noexcept {
    gatehouse::inspect::worker::wipe_and_free(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept {
    gatehouse::inspect::worker::wipe_and_free(block);
}
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept {
    gatehouse::inspect::worker::wipe_and_free(block);
}
void operator delete(void* block, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
    gatehouse::inspect::worker::wipe_and_free(block);
}
#endif
