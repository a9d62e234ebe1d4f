/** Where one looks from: a point of the layout and a zoom. Pure arithmetic over immutable values. */

import type { Seen } from "../core/urlState";

export type Camera = {
  /** Screen pixels of the layout's origin. */
  readonly x: number;
  readonly y: number;
  /** Screen pixels per pixel of the layout. */
  readonly zoom: number;
};

export type Size = { readonly width: number; readonly height: number };

export const MIN_ZOOM = 0.03;
export const MAX_ZOOM = 2.5;
/** Names are readable from here on: boxes are then real elements. */
export const READABLE_ZOOM = 0.45;

const PADDING = 24;

export const clampZoom = (zoom: number): number => Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, zoom));

/** All of a layout in sight, in the middle, never larger than life. */
export function fit(content: Size, screen: Size): Camera {
  const zoom = clampZoom(
    Math.min(
      1,
      (screen.width - 2 * PADDING) / Math.max(content.width, 1),
      (screen.height - 2 * PADDING) / Math.max(content.height, 1),
    ),
  );
  return {
    x: Math.round((screen.width - content.width * zoom) / 2),
    y: Math.round((screen.height - content.height * zoom) / 2),
    zoom,
  };
}

/** Nearer by `factor`, the point under `x`, `y` (screen) held where it is. */
export function zoomAt(camera: Camera, x: number, y: number, factor: number): Camera {
  const zoom = clampZoom(camera.zoom * factor);
  const ratio = zoom / camera.zoom;
  return { x: x - (x - camera.x) * ratio, y: y - (y - camera.y) * ratio, zoom };
}

export const panBy = (camera: Camera, dx: number, dy: number): Camera => ({ ...camera, x: camera.x + dx, y: camera.y + dy });

/** The least movement that brings a box (layout pixels) into sight, with some room around it. */
export function reveal(camera: Camera, box: { x: number; y: number } & Size, screen: Size, margin = 48): Camera {
  const left = camera.x + box.x * camera.zoom;
  const top = camera.y + box.y * camera.zoom;
  const move = (from: number, length: number, room: number): number => {
    if (length + 2 * margin > room) return room / 2 - (from + length / 2);
    if (from < margin) return margin - from;
    return from + length > room - margin ? room - margin - (from + length) : 0;
  };
  return panBy(camera, move(left, box.width * camera.zoom, screen.width), move(top, box.height * camera.zoom, screen.height));
}

/** What stands in the middle of the screen, as the URL says it: `tall` as `stretched` takes it. */
export function seenFrom(camera: Camera, screen: Size, tall: number): Seen {
  const whole = (value: number): number => Math.max(-9_999_999, Math.min(9_999_999, Math.round(value))) || 0;
  return {
    x: whole((screen.width / 2 - camera.x) / camera.zoom),
    y: whole((screen.height / 2 - camera.y) / camera.zoom / tall),
    zoom: Math.round(camera.zoom * 1000) / 1000,
    tall: Math.round(tall * 100) / 100,
  };
}

/** The camera of a screen that has this in its middle. */
export function cameraAt(seen: Seen, screen: Size): Camera {
  const zoom = clampZoom(seen.zoom);
  return { x: screen.width / 2 - seen.x * zoom, y: screen.height / 2 - seen.y * seen.tall * zoom, zoom };
}

/** What of the layout is in sight, with a margin in screen pixels. */
export function inSight(camera: Camera, screen: Size, margin: number): { left: number; top: number; right: number; bottom: number } {
  return {
    left: (-camera.x - margin) / camera.zoom,
    top: (-camera.y - margin) / camera.zoom,
    right: (screen.width - camera.x + margin) / camera.zoom,
    bottom: (screen.height - camera.y + margin) / camera.zoom,
  };
}
