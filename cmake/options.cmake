# Language and compiler options. Everything of ours links gatehouse_options; generated code does not.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

set(CMAKE_CXX_FLAGS_DEV "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_C_FLAGS_DEV "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -D_FORTIFY_SOURCE=2 -fstack-protector-strong")

# ccache finds the same file again in another checkout only when no absolute path is compiled in.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -fno-omit-frame-pointer)

add_library(gatehouse_options INTERFACE)
target_compile_options(gatehouse_options INTERFACE -Wall -Wextra -Wconversion -Wshadow
  # A warning of another compiler version must not keep anybody from building a release.
  $<$<CONFIG:Dev>:-Werror>
  # GCC 12 sees false -Wrestrict on plain std::string assignment at -O2, suspects every inlined std::variant, and calls
  # the frame allocator of Asio's coroutines mismatched once it is inlined.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-mismatched-new-delete;-Wno-maybe-uninitialized>)
target_include_directories(gatehouse_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(gatehouse_options INTERFACE
  GATEHOUSE_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)

if(GATEHOUSE_SANITIZE)
  target_compile_definitions(gatehouse_options INTERFACE GATEHOUSE_SANITIZED=1)
  add_compile_options(-fsanitize=${GATEHOUSE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GATEHOUSE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # GCC 12 suspects every inlined std::variant then
    if(GATEHOUSE_SANITIZE MATCHES "thread")
      add_compile_options(-Wno-tsan)
    endif()
  endif()
endif()
if(GATEHOUSE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
