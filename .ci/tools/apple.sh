# What a linker must know of Apple's frameworks; to be sourced.
#
# zig knows the system's own library. Of frameworks nobody but Apple may pass on more than the names, and names are all that a linker needs.
# The lists hold what our programs use: what is missing in them is told as an undefined symbol, and so is what Apple never had.

apple_framework() {
    local folder=$1 name=$2 symbols
    shift 2
    symbols=$(printf ', _%s' "$@")
    mkdir -p "$folder/$name.framework"
    cat > "$folder/$name.framework/$name.tbd" <<TBD
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: /System/Library/Frameworks/$name.framework/Versions/A/$name
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ ${symbols#, } ]
...
TBD
}

apple_make() {
    apple_framework "$1" CoreFoundation CFArrayCreate CFArrayGetCount CFArrayGetValueAtIndex CFDataGetBytePtr CFDataGetLength \
        CFDictionaryGetValueIfPresent CFEqual CFNumberGetValue CFRelease CFRetain CFStringCreateWithBytesNoCopy CFStringGetBytes \
        CFStringGetCStringPtr CFStringGetLength kCFAllocatorDefault kCFAllocatorNull kCFTypeArrayCallBacks
    apple_framework "$1" Security SecCertificateCopyData SecCopyErrorMessageString SecTrustSettingsCopyCertificates \
        SecTrustSettingsCopyTrustSettings
}

apple() { once frameworks apple_make; }
